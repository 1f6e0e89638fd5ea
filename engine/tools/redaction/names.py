"""Names that say that a secret follows, and what stands between such a name and its secret."""

# Whole words of names, in any case; the prefilter looks for them.
REVEALING = (
    "password",
    "passwd",
    "paswd",
    "psswd",
    "pswd",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "creds",
    "apikey",
    "api_key",
    "api-key",
    "api key",
    "accesskey",
    "access_key",
    "access-key",
    "access key",
    "access_id",
    "privatekey",
    "private_key",
    "private-key",
    "signing_key",
    "signingkey",
    "encryption_key",
    "encryptionkey",
    "account_key",
    "accountkey",
    "authkey",
    "auth_key",
    "auth-key",
    "master_key",
    "masterkey",
    "license_key",
    "licensekey",
    "shared_key",
    "sharedkey",
    "storage_key",
    "connectionstring",
    "connection_string",
    "unseal key",
    "root_key",
    "deploy_key",
    "host_key",
    "client_key",
    "app_key",
    "appkey",
    "dsn",
    "authorization",
    "bearer",
    "jenkins-crumb",
    "cookie",
    "identified by",
    "x-auth",
    "x-vault",
    "private-token",
    "securestring",
    "xoauth2",
    "ssws",
)
# After these a secret follows only where the value itself looks drawn by lot (RE2).
HINTING = (
    r"(?:key|auth|login|salt|nonce|pat|sig|signature|session|webhook|hash|user|license|crypt|secret_?id)"
    r"[0-9]?[\"'\\\]]{0,4}\s{0,4}(?:%3[dD]|[:?]?={1,2}>?|:|\|)\s{0,4}[\\\"'`(@{]{0,4}[A-Za-z0-9+/_~.-]{12}"
)
# Lines about one of these services are searched for values drawn by lot.
SERVICES = tuple(
    """
    adafruit adobe airtable algolia amplitude artifactory asana auth0 bitbucket bitly braze
    cloudant cloudflare cloudinary codecov coinbase confluent contentful databricks datadog
    digitalocean discord docusign dropbox duffel facebook fastly finicity firebase flickr
    flutterwave foursquare freshbooks freshdesk geoip gocardless heroku hetzner hubspot
    imagekit infura instagram intercom ipinfo ipstack jfrog jira jotform kickbox kraken
    kucoin launchdarkly linkedin linode lokalise mailchimp mailgun mandrill mapbox
    mattermost maxmind meraki messagebird metabase mixpanel mongodbatlas netlify newrelic
    ngrok notion okta onelogin openai opsgenie pagerduty paypal percy pivotal plaid postman
    postmark pusher quickbooks rapidapi rollbar rootly salesforce scalingo sendbird sendgrid
    sentry shodan shopify shutterstock smartsheet snyk softlayer sonarcloud sourcegraph
    spotify squareup statuspage stripe stytch sumologic tableau telegram thingsboard
    thousandeyes trello twilio twitch twitter typeform unsplash uptimerobot vercel
    virustotal vultr wakatime webex wepay wistia yandex zapier zendesk zoho
    """.split()  # noqa: SIM905 (a hundred quoted names read worse)
)
# A name that ends so speaks about a secret and holds none.
ABOUT = (
    rb"(?i)^s?[_.\-]?(?:names?|ids?|refs?|file(?:name)?s?|path|dir|url|uri|endpoint|type"
    rb"|kind|class|policy|policies"
    rb"|accessor|duration|renewable|ttl|expir\w*|lifetime|lease|max\w*|min\w*|len(?:gth)?"
    rb"|size|count|age"
    rb"|rotation\w*|version\w*|stor\w*|provider\w*|manager\w*|issuer|selector|location"
    rb"|usage\w*|status|state"
    rb"|format|algorithm|alg|schema|template|field|label|prefix|suffix|required|enabled"
    rb"|limit|bucket|header"
    rb"|param\w*|hash_?alg\w*|reset\w*|rule|review\w*|request\w*|mount\w*|volume\w*"
    rb"|access-\w+|s?secretid"
    rb"|id|tostore\w*|chars|word|ring|board|words|space|frame|value_?from|expirationseconds)$"
)
BEFORE_ABOUT = (
    rb"(?i)(?:public|primary|foreign|partition|sort|hash|cluster|idempotency|cache|csrf"
    rb"|xsrf|pub|idx"
    rb"|issuer|sequence|bucket|random|routing|ssh-?host|group|message|event|tracking|dedup|map|row"
    rb"|object|next|page|continuation|pagination|keyboard|chunk|unexpected|invalid|aggregation"
    rb"|to_?store)[_.\-]?$"
)
# What stands after a secret's name and is none: placeholders, types, references, plain words.
HARMLESS = (
    rb"(?i)^(?:\[?redacted.*|\*+|x{3,}|<.*|\.{2,}.*|true|false|null|none|nil|undefined"
    rb"|n/?a|string|str|int|bool|object"
    rb"|required|optional|yes|no|\$\{?[a-z_.]+\}?.*|%[sdv(].*|\{\{.*|#\{.*|file|env|vault"
    rb"|not|is|was|the|for|and|or|of|to|in|a|an"
    rb"|expired|invalid|missing|unknown|empty|set|unset|changed|created|deleted|rotated"
    rb"|bytes|\(.*|\[\]|\{\}|using|with|from|via"
    rb"|authentication|failed|failure|error|must|has|have|been|will|can|should|does|by|on"
    rb"|at|as|if|it|this|that|your|my|new|old"
    rb"|[0-9]{1,5}|[0-9]+ bytes|process\.env.*|os\.(?:environ|getenv).*|config\..*"
    rb"|self\..*|this\..*|getenv.*|secretkeyref|valuefrom"
    rb"|/run/secrets/.*|/var/.*|/etc/.*|file://.*|arn:.*|ref\+.*|op://.*|vault:.*|sha256:.*)$"
)
# After the name: its end, quotes, an assignment, an optional type or scheme, then the value.
REST = rb"(?i)([a-z0-9_\-]{0,30}?(?: [0-9]{1,2})?)"
QUOTES = rb"(?:\\{0,3}[\"'`]|\]|\)|&quot;){0,3}"
ASSIGNS = (
    rb"(?:\s{0,3}:?\s{0,2}(?:string|str|&str|\[\]byte)\b)?\s{0,24}"
    rb"(?:%3[dD]|[:?!.+|]{0,3}={1,3}>?|!={1,2}|:{1,2}|=>|\|"
    rb"|,\s{0,3}\\?[\"']?value\\?[\"']?\s{0,3}[:=])\s{0,24}"
)
VALUE = (
    rb"(?:[@bruf]{0,2}(?:'((?:[^'\\\r\n]|\\.)+)'|\\{1,3}\"((?:[^\"\\\r\n])+)"
    rb"|\"((?:[^\"\\\r\n]|\\.)+)\"|`([^`\r\n]+)`"
    rb"|&quot;([^&<>]+)&quot;))"
)
BARE = (
    rb"\\{0,2}[\"'`{]?(?:(?:bearer|basic|token|apikey|api-token|ssws|digest|negotiate"
    rb"|oauth)\s{1,3})?([^\s\"'`<>,;&(){}\[\]][^\s\"'`<>&]*)"
)
