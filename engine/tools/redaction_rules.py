"""What secrets look like, from the formats that their makers document; group 1 is the secret."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """`keywords` are lower case; the pattern (RE2) is tried only on a line that holds one."""

    name: str
    keywords: tuple[str, ...]
    pattern: str


# A name that says that a secret follows, with anything in front of it and little behind.
REVEALING_WORD = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd?|secret|token|credentials?|connection[_.\- ]?string|dsn"
    r"|(?:api|access|private|signing|encryption|auth|account|secret|master|license|provision\w*"
    r"|unseal|storage|root|deploy|webhook)[_.\- ]?key)"
)
SUFFIX = (
    r"(?:[_.\-]?(?:id|key|value|hash|base64|b64|data|string|prod|dev|old|new|super|secure"
    r"|[0-9])){0,3}"
)
REVEALING_NAME = r"(?:[a-z0-9]+[_.\- ]{0,2}){0,5}?" + REVEALING_WORD + SUFFIX + r"(?: [0-9])?"
ASSIGNS = (
    r"['\"\\]{0,4}(?:\s{0,3}(?:string|str|&str)\b)?\s{0,5}"
    r"(?:[:?.+!]{0,3}={1,3}>?|:{1,2}|,)\s{0,5}"
)
VENDOR = (
    Rule(
        "aws key id", ("akia", "asia", "abia", "acca"), r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b"
    ),
    Rule("github", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\b(gh[pousr]_[A-Za-z0-9]{36,255})"),
    Rule("github fine-grained", ("github_pat_",), r"\b(github_pat_[A-Za-z0-9_]{22,255})"),
    Rule(
        "gitlab",
        (
            "glpat-",
            "gldt-",
            "glrt-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glsoat-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glffct-",
        ),
        r"\b(gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent|oas|ffct)-[A-Za-z0-9_\-=.]{16,})",
    ),
    Rule(
        "slack",
        ("xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxo-", "xoxe.", "xapp-"),
        r"(?i)\b(x(?:ox[abeoprs][-.]|app-)[A-Za-z0-9.\-]{10,})",
    ),
    Rule(
        "slack hook",
        ("hooks.slack.com",),
        r"hooks\.slack\.com/((?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})",
    ),
    Rule(
        "jwt", ("ey",), r"\b(ey[A-Za-z0-9_-]{10,}\.ey[A-Za-z0-9_/-]{10,}(?:\.[A-Za-z0-9_/-]*)?=*)"
    ),
    Rule("google", ("aiza",), r"\b(AIza[A-Za-z0-9_-]{35})"),
    Rule("google oauth", ("ya29.", "gocspx-"), r"\b((?:ya29\.|GOCSPX-)[A-Za-z0-9_-]{20,})"),
    Rule("openai", ("sk-",), r"\b(sk-[A-Za-z0-9_-]{20,})"),
    Rule(
        "stripe",
        ("sk_live", "sk_test", "rk_live", "rk_test", "whsec_", "sk_prod", "rk_prod"),
        r"\b((?:[sr]k_(?:live|test|prod)|whsec)_[A-Za-z0-9]{10,})",
    ),
    Rule("npm", ("npm_",), r"\b(npm_[A-Za-z0-9]{36})"),
    Rule("pypi", ("pypi-",), r"\b(pypi-[A-Za-z0-9_-]{50,})"),
    Rule(
        "vault",
        ("hvs.", "hvb.", "hvr.", "s."),
        r"\b(hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24})\b",
    ),
    Rule("terraform cloud", (".atlasv1.",), r"\b([A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,})"),
    Rule("digitalocean", ("dop_v1_", "doo_v1_", "dor_v1_"), r"\b(do[opr]_v1_[a-f0-9]{64})"),
    Rule("sendgrid", ("sg.",), r"\b(SG\.[A-Za-z0-9_\-=.]{60,70})"),
    Rule(
        "grafana",
        ("glc_", "glsa_", "eyjrijoi"),
        r"\b(gl(?:c_[A-Za-z0-9+/]{32,400}={0,3}|sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})|eyJrIjoi[A-Za-z0-9]{60,400}={0,3})",
    ),
    Rule(
        "prefixed",
        (
            "shp",
            "dp.",
            "dt0c01.",
            "pul-",
            "rubygems_",
            "nrak-",
            "nrii-",
            "nrjs-",
            "lin_api_",
            "lin_oauth_",
            "hf_",
            "api_org_",
            "r8_",
            "ltai",
            "pscale_",
            "sbp_",
            "sntrys_",
            "sntryu_",
            "ops_ey",
            "age-secret-key-",
            "eaaa",
            "dckr_pat_",
            "dapi",
            "pat-na1",
            "xkeysib-",
            "figd_",
            "ntn_",
            "secret_",
            "sq0",
            "tfp_",
            "fo1_",
            "flyv1",
            "fm1",
            "fm2_",
            "rdme_",
            "duffel_",
            "ezak",
            "eztk",
            "flwseck",
            "live_",
            "pmak-",
            "patc",
            "sl.",
            "gsk_",
            "xai-",
            "nvapi-",
            "infracost",
            "cio",
            "key-",
            "ico-",
            "phc_",
            "phx_",
            "fio-u-",
            "a3-",
            "cli",
        ),
        r"\b((?:shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}"
        r"|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}|pul-[a-f0-9]{40}|rubygems_[a-f0-9]{48}|NRAK-[A-Z0-9]{27}"
        r"|NRII-[A-Za-z0-9-]{32}|NRJS-[a-f0-9]{19}|lin_(?:api|oauth)_[A-Za-z0-9]{32,64}|hf_[A-Za-z0-9]{30,40}"
        r"|api_org_[A-Za-z0-9]{34}|r8_[A-Za-z0-9_-]{37}|LTAI[A-Za-z0-9]{17,21}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9=._-]{32,64}"
        r"|sbp_[a-z0-9]{40}|sntry[su]_[A-Za-z0-9+/=_]{60,}|ops_ey[A-Za-z0-9+/=_-]{100,}"
        r"|AGE-SECRET-KEY-1[A-Z0-9]{50,}|EAAA[EAC][A-Za-z0-9+=_-]{50,}|dckr_pat_[A-Za-z0-9_-]{27}|dapi[a-f0-9]{32}(?:-[0-9])?"
        r"|pat-na1-[A-Za-z0-9-]{36}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|figd_[A-Za-z0-9_-]{40}|ntn_[A-Za-z0-9]{46}"
        r"|secret_[A-Za-z0-9]{43}|sq0[a-z]{3}-[A-Za-z0-9_=-]{22,60}|tfp_[A-Za-z0-9_]{40,60}|fo1_[A-Za-z0-9_-]{43}"
        r"|fm[12][ar]?_[A-Za-z0-9+/=,_]{80,}|rdme_[a-z0-9]{70}|duffel_(?:test|live)_[A-Za-z0-9_=-]{43}"
        r"|EZ[AT]K[A-Za-z0-9]{54}|FLWSECK(?:_TEST)?-[A-Za-z0-9-]{12,40}|PMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}"
        r"|gsk_[A-Za-z0-9]{52}|xai-[A-Za-z0-9]{60,}|nvapi-[A-Za-z0-9_-]{64}|ico-[A-Za-z0-9]{32}|ph[cx]_[A-Za-z0-9]{43}"
        r"|fio-u-[A-Za-z0-9_=-]{64}|A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}|key-[a-f0-9]{32}"
        r"|CLOJARS_[a-z0-9]{60}))",
    ),
    Rule(
        "prefixed, second part",
        (
            *("hrku-", "odt_", "tk-us-", "gr1348941", "flwpubk", "oy2", "00d", "akc"),
            *("webhook/", "|"),
        ),
        r"\b(HRKU-[A-Za-z0-9_-]{40,}|odt_[A-Za-z0-9]{32}|tk-us-[A-Za-z0-9_-]{48}"
        r"|GR1348941[A-Za-z0-9_-]{20,}|FLWPUBK(?:_TEST)?-[A-Za-z0-9-]{12,40}|oy2[a-z0-9]{43}"
        r"|00D[A-Za-z0-9]{12}![A-Za-z0-9_.]{60,}|AKC[A-Za-z0-9]{10,}"
        r"|[0-9]{15,16}\|[A-Za-z0-9_-]{27,40})",
    ),
    Rule(
        "teams hook, old",
        ("outlook.office.com",),
        r"(outlook\.office\.com/webhook/[A-Za-z0-9@/-]{60,})",
    ),
    Rule("telegram", (":aa",), r"\b([0-9]{8,10}:AA[A-Za-z0-9_-]{32,34})"),
    Rule(
        "discord hook",
        ("discord",),
        r"discord(?:app)?\.com/api/webhooks/[0-9]+/([A-Za-z0-9_-]{30,})",
    ),
    Rule(
        "teams hook", ("webhook.office",), r"webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{60,})"
    ),
    Rule(
        "azure",
        ("accountkey", "sharedaccess", "sig="),
        r"(?i)(?:accountkey|sharedaccesskey|[?&;]sig)=([A-Za-z0-9+/%]{30,}={0,2})",
    ),
    Rule(
        "azure client secret", ("8q~", "7q~"), r"\b([A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.-]{31,34})"
    ),
)
STRUCTURE = (
    Rule(
        "url password", ("://",), r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@'\"<>]*:([^\s/@'\"<>]{1,200})@"
    ),
    Rule("url user token", ("://",), r"https?://([A-Za-z0-9_-]{20,})@"),
    Rule(
        "authorization",
        ("authorization", "bearer", "basic "),
        r"(?i)\b(?:authorization['\"]?\s*[:=]\s*['\"]?\s*(?:bearer|basic|token|apikey)?|bearer|basic)\s+"
        r"['\"]?([A-Za-z0-9+/._~=-]{8,})",
    ),
    Rule(
        "header",
        ("api-key", "apikey", "x-auth", "x-vault", "x-amz", "cookie", "private-token"),
        r"(?i)\b(?:x-api-key|api-key|apikey|x-auth-token|x-vault-token|x-amz-security-token|private-token"
        r"|set-cookie|cookie)['\"]?\s*[:=]\s*['\"]?([^\s'\"]{6,})",
    ),
    Rule(
        "quoted key value",
        (),
        r"(?i)\b"
        + REVEALING_NAME
        + r"\b(?:"
        + ASSIGNS
        + r"|\s)"
        + r"(?:'([^'\r\n]{3,500})'|\\?\"([^\"\r\n]{3,500})\"|`([^`\r\n]{3,500})`)",
    ),
    Rule(
        "key value",
        (),
        r"(?i)\b"
        + REVEALING_NAME
        + r"\b"
        + ASSIGNS
        + r"['\"\\`]{0,4}(?:(?:bearer|basic|token)\s+)?"
        + r"([^\s=:'\"\\,;&<>(){}\[\]|$`][^\s'\"\\,;&<>`|]{2,})",
    ),
    Rule(
        "compared",
        (),
        r"(?i)(?:'([^'\r\n]{3,500})'|\"([^\"\r\n]{3,500})\")\s*[!=]={1,2}\s*\b"
        + REVEALING_NAME
        + r"\b",
    ),
    Rule(
        "attribute",
        ("value=",),
        r"(?i)key=['\"][^'\"]*"
        + REVEALING_WORD
        + r"[^'\"]*['\"]\s+value=['\"]([^'\"]{3,500})['\"]",
    ),
    Rule(
        "long value of a key",
        ("key", "pw"),
        r"(?i)\b[a-z0-9_.\- ]*(?:key|pw)"
        + ASSIGNS
        + r"['\"\\`]{0,4}([A-Za-z0-9+/_=-]*[0-9][A-Za-z0-9+/_=-]{24,})",
    ),
    Rule(
        "element",
        ("</",),
        r"(?i)<[a-z0-9_.:-]*" + REVEALING_WORD + r"[a-z0-9_.:-]{0,10}>([^<>\s][^<>]{2,500})</",
    ),
    Rule(
        "flag",
        ("--pass", "--token", "--secret", "--api-key", "--pwd", "-password", "--auth"),
        r"(?i)--?(?:[a-z]+-)*(?:password|passwd|pwd|token|secret|api-key|secret-key|auth)"
        r"[ =]+['\"]?([^\s'\"-][^\s'\"]{3,})",
    ),
    Rule("table", (), r"(?i)^\s*" + REVEALING_NAME + r"(?:\s{2,}|\t+)([^\s]{6,})\s*$"),
    Rule(
        "curl user",
        ("--user", "-u"),
        r"(?:^|\s)(?:-u|--user)[ =]?['\"]?([^\s:'\"]+:[^\s'\"]{3,})",
    ),
)
# Names of "key value" and its like; one of them has to be on the line.
NAMES = ("pass", "pw", "secret", "token", "key", "credential", "connection", "dsn")
