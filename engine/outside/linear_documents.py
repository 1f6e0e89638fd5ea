"""What is asked of Linear, as GraphQL; each document costs far below the limit for one query."""

TEAM = """
query Team($key: String!) {
  viewer { id name }
  teams(filter: { key: { eq: $key } }, first: 1) {
    nodes {
      id
      states(first: 50) { nodes { id name } }
      labels(first: 100) { nodes { id name } }
    }
  }
  issueLabels(first: 100, filter: { team: { null: true } }) { nodes { id name } }
}
"""
OPEN = """
mutation Open($input: IssueCreateInput!) {
  issueCreate(input: $input) { success issue { id identifier createdAt updatedAt } }
}
"""
UPDATE = """
mutation Update($id: String!, $input: IssueUpdateInput!) {
  issueUpdate(id: $id, input: $input) { success issue { id identifier createdAt updatedAt } }
}
"""
COMMENT = """
mutation Comment($input: CommentCreateInput!) {
  commentCreate(input: $input) { success comment { id } }
}
"""
LABEL = """
mutation Label($input: IssueLabelCreateInput!) {
  issueLabelCreate(input: $input) { success issueLabel { id } }
}
"""
ISSUE = """
query Issue($id: String!) {
  issue(id: $id) { id identifier createdAt updatedAt }
}
"""
SAID = """
query Said($id: String!) {
  comment(id: $id) { id }
}
"""
HISTORY = """
query History($id: String!, $after: String) {
  issue(id: $id) {
    history(first: 50, after: $after) {
      nodes {
        id
        createdAt
        actor { id name }
        botActor { id name }
        toState { id name }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
UPDATED = """
query Updated($ids: [ID!]!) {
  issues(filter: { id: { in: $ids } }, first: 100) { nodes { id updatedAt } }
}
"""
