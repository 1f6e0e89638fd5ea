"""Tokens that can be told by how their makers let them begin or end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A token that starts with one of `literals`; `pattern` is the whole of it.

    With `before`, the literal stands within the token, at most so many characters from its start.
    `then` is what has to follow a literal that is too short to look for by itself.
    """

    literals: tuple[str, ...]
    pattern: str
    before: int = 0
    then: str = ""


FORMATS = (
    # Clouds
    Format(
        ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"), r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}"
    ),
    Format(
        ("ABSKQ", "bedrock-api-key-"),
        r"(?:ABSKQ[A-Za-z0-9+/]{90,}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{20,})",
    ),
    Format(("AIza",), r"AIza[A-Za-z0-9_-]{30,}"),
    Format(("ya29.", "GOCSPX-", "1//0"), r"(?:ya29\.|GOCSPX-|1//0)[A-Za-z0-9_-]{20,}"),
    Format(("LTAI",), r"LTAI[A-Za-z0-9]{12,24}"),
    Format(("AKID",), r"AKID[A-Za-z0-9]{28,36}"),
    Format(("dop_v1_", "doo_v1_", "dor_v1_"), r"do[opr]_v1_[a-f0-9]{40,}"),
    Format(("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[A-Za-z0-9_-]{18,}"),
    Format((".atlasv1.",), r"[A-Za-z0-9]{10,20}\.atlasv1\.[A-Za-z0-9_=-]{30,}", before=20),
    Format(
        ("JQQJ99", "AzSe", "AZDO", "AIoT", "+ASt", "APIM", "ACDb", "ACRA", "+ASb", "+AEh", "+ARm"),
        r"[A-Za-z0-9+/]{30,}(?:JQQJ99|AzSe|AZDO|AIoT|\+ASt|APIM|ACDb|\+?ACR[A-K]|\+ASb|\+AEh|\+ARm)[A-Za-z0-9+/]{4,}={0,2}",
        before=90,
    ),
    Format(
        ("7Q~", "8Q~", "Q~"),
        r"[A-Za-z0-9_~.-]{3}[0-9]?Q~[A-Za-z0-9_~.-]{30,36}",
        before=5,
        then=r"[A-Za-z0-9_~.-]{20}",
    ),
    Format(
        ("fo1_", "fm1a_", "fm1r_", "fm2_", "flyv1", "fm1_"),
        r"(?:fo1_[A-Za-z0-9_-]{40,}|fm[12][ar]?_[A-Za-z0-9+/=,_-]{60,}"
        r"|flyv1 fm[12]_[A-Za-z0-9+/=,_-]{60,})",
    ),
    Format(("ocid1.",), r"ocid1\.(?:credential|key|secret|vaultsecret)[a-z0-9.-]{30,}"),
    Format(("pul-",), r"pul-[a-f0-9]{40}"),
    Format(("HRKU-",), r"HRKU-[A-Za-z0-9_-]{30,}"),
    Format(("tss_", "SCW"), r"(?:tss_[A-Za-z0-9]{30,}|SCW[A-Z0-9]{17})"),
    Format(("v1.0-",), r"v1\.0-[a-f0-9v]{20,28}-[a-f0-9]{100,}"),
    Format(("dnkey-",), r"dnkey-[a-z0-9=_-]{26}-[a-z0-9=_-]{30,}"),
    # Code and packages
    Format(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9_]{16,255}"),
    Format(("github_pat_",), r"github_pat_[A-Za-z0-9_]{20,255}"),
    Format(
        tuple(
            f"gl{kind}-"
            for kind in (
                "pat",
                "dt",
                "rt",
                "rtr",
                "cbt",
                "ptt",
                "ft",
                "soat",
                "imt",
                "agent",
                "oas",
                "ffct",
                "wt",
            )
        ),
        r"gl(?:pat|dt|rtr?|cbt|ptt|ft|soat|imt|agent|oas|ffct|wt)-[A-Za-z0-9_.=-]{16,}",
    ),
    Format(("GR1348941", "_gitlab_session="), r"(?:GR1348941|_gitlab_session=)[A-Za-z0-9_-]{18,}"),
    Format(("BBDC-",), r"BBDC-[A-Za-z0-9+/@_-]{30,}={0,2}"),
    Format(
        ("ATATT", "ATCTT", "ATBB", "ATOA", "ATST"),
        r"AT(?:ATT|CTT|BB|OA|ST)[A-Za-z0-9_=-]{18,}(?:\\?\S?[A-Za-z0-9_=-]{4,})?",
    ),
    Format(("npm_",), r"npm_[A-Za-z0-9]{10,}"),
    Format(("pypi-",), r"pypi-[A-Za-z0-9_-]{16,}"),
    Format(("rubygems_",), r"rubygems_[a-f0-9]{40,}"),
    Format(("CLOJARS_",), r"CLOJARS_[a-z0-9]{50,}"),
    Format(("cio",), r"cio[A-Za-z0-9]{32}", then=r"[A-Za-z0-9]{16}"),
    Format(("oy2",), r"oy2[a-z0-9]{43}", then=r"[a-z0-9]{16}"),
    Format(("dckr_pat_", "dckr_oat_"), r"dckr_[po]at_[A-Za-z0-9_-]{20,}"),
    Format(("SWMTKN-", "SWMKEY-"), r"SWM(?:TKN|KEY)-1-[A-Za-z0-9+/-]{20,}"),
    Format(
        (
            "AKC",
            "AP0",
            "AP1",
            "AP2",
            "AP3",
            "AP4",
            "AP5",
            "AP6",
            "AP7",
            "AP8",
            "AP9",
            "APA",
            "APB",
            "APC",
        ),
        r"(?:AKC[A-Za-z0-9]{10,}|AP[0-9A-C][a-z0-9][A-Za-z0-9]{8,})",
        then=r"[A-Za-z0-9]{8}",
    ),
    Format(("cmVmd",), r"cmVmd[A-Za-z0-9]{50,}"),
    Format(
        ("sgp_", "sqp_", "squ_", "sqa_", "sqco_"),
        r"(?:sgp_(?:[A-Za-z0-9]{16}_|local_)?|sq[pua]_|sqco_)[A-Za-z0-9_]{40,}",
    ),
    Format(("figd_", "figo_", "figu_", "figor_"), r"fig(?:d|o|u|or)_[A-Za-z0-9_-]{36,}"),
    Format(("sntrys_", "sntryu_", "sntrya_"), r"sntry[sua]_[A-Za-z0-9+/=_-]{30,}"),
    Format(
        ("tfp_", "ptr_", "pnu_", "pnb_", "ico-"),
        r"(?:tfp_[A-Za-z0-9_]{30,}|ptr_[A-Za-z0-9_/+=-]{30,}|pn[ub]_[A-Za-z0-9]{36}|ico-[A-Za-z0-9]{32})",
    ),
    Format(("bkua_", "bkat_", "bkct_"), r"bk(?:ua|at|ct)_[A-Za-z0-9]{30,}"),
    Format(("CCIPAT_", "CCIPRJ_"), r"CCI(?:PAT|PRJ)_[A-Za-z0-9_]{30,}"),
    Format(("eyJ2ZXIi",), r"eyJ2ZXIi[A-Za-z0-9_.-]{60,}"),
    Format(
        ("pat.",),
        r"pat\.[A-Za-z0-9_-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}",
        then=r"[A-Za-z0-9_-]{22}\.",
    ),
    Format(("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    Format(("ops_ey",), r"ops_ey[A-Za-z0-9+/=_-]{60,}"),
    Format(("A3-",), r"A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}"),
    # Chat, mail, telephony
    Format(
        (
            "xoxb-",
            "xoxp-",
            "xoxa-",
            "xoxr-",
            "xoxs-",
            "xoxe-",
            "xoxo-",
            "xoxe.",
            "xoxc-",
            "xoxd-",
            "xapp-",
            "xwfp-",
            "XOXB-",
            "XOXP-",
        ),
        r"(?i)(?:xox[abcdeoprs][-.]|xapp-|xwfp-)[A-Za-z0-9.%_-]{10,}",
    ),
    Format((":AA", ":aa"), r"[0-9]{8,10}:AA[A-Za-z0-9_-]{30,36}", before=10),
    Format(("SG.",), r"SG\.[A-Za-z0-9_=-]{16,}\.[A-Za-z0-9_=.-]{16,}"),
    Format(("key-",), r"key-[A-Za-z0-9]{32,}", then=r"[A-Za-z0-9]{20}"),
    Format(
        ("-",), r"[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}", before=32, then="[a-f0-9]{8}-[a-f0-9]{8}"
    ),
    Format(("xkeysib-", "xsmtpsib-"), r"x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Format(("-us",), r"[A-Za-z0-9]{31,32}-us[0-9]{1,2}", before=32, then=r"[0-9]"),
    Format(("SK", "AC"), r"(?:SK|AC)(?:[a-f0-9]{32}|x{32})", then=r"[a-fx0-9]{8}"),
    Format(("EZAK", "EZTK"), r"EZ[AT]K[A-Za-z0-9]{50,}"),
    Format(("IGQV", "EAAA", "EAAC", "EAAE"), r"(?:IGQV|EAA[AEC])[A-Za-z0-9+=_-]{40,}"),
    Format(
        ("discordapp.com/api/webhooks/", "discord.com/api/webhooks/"),
        r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{30,}",
    ),
    # Payment and commerce
    Format(
        ("sk_", "rk_", "whsec_", "pk_live_", "sk-live", "prv_", "rzp_live_", "rzp_test_", "priv_"),
        r"(?:[srp]k_(?:live|test|prod)_[A-Za-z0-9_]{10,}|sk_[A-Za-z0-9_]{20,}|whsec_[A-Za-z0-9+/=]{16,}|rzp_(?:live|test)_[A-Za-z0-9]{14,}|pr(?:v|iv)_(?:test_|prod_)?[A-Za-z0-9]{20,})",
        then=r"[A-Za-z0-9_+/=]{10}",
    ),
    Format(
        ("shpat_", "shpca_", "shppa_", "shpss_", "shptka_"),
        r"shp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{30,}",
    ),
    Format(("sq0",), r"sq0[a-z]{3}-[A-Za-z0-9_=-]{20,60}"),
    Format(("FLWSECK", "FLWPUBK"), r"FLW(?:SECK|PUBK)(?:_TEST)?-[A-Za-z0-9-]{10,60}"),
    Format(("shippo_",), r"shippo_(?:live|test)_[a-f0-9]{30,}"),
    Format(
        ("access_token$production$", "access_token$sandbox$"),
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    Format(
        ("duffel_", "live_", "test_"),
        r"(?:duffel_(?:test|live)_[A-Za-z0-9_=-]{40,}|(?:live|test)_(?:[0-9]+_)?[A-Za-z0-9]{30,})",
        then=r"(?:[0-9]+_)?[A-Za-z0-9_=-]{20}",
    ),
    Format(
        ("access-sandbox-", "access-production-", "access-development-"),
        r"access-(?:sandbox|production|development)-[0-9a-f-]{36}",
    ),
    # Observation and data
    Format(
        ("NRAK-", "NRII-", "NRJS-", "NRIQ-", "NRRA-", "NRBR-", "NRAL", "NRMA", "NRSP-"),
        r"(?:NR(?:AK|II|JS|IQ|RA|BR|SP)-[A-Za-z0-9_-]{16,}|[a-z0-9]{20,40}-?NR(?:AL|MA))",
        before=44,
    ),
    Format(
        ("glc_", "glsa_", "eyJrIjoi"),
        r"(?:glc_[A-Za-z0-9+/]{30,400}={0,3}|glsa_[A-Za-z0-9]{30,}_[A-Fa-f0-9]{8}|eyJrIjoi[A-Za-z0-9]{50,400}={0,3})",
    ),
    Format(("dt0c01.", "dt0s"), r"dt0[a-z][0-9]{2}\.[A-Z0-9]{20,}\.[A-Z0-9]{60,}"),
    Format(("phc_", "phx_", "phs_", "phr_", "pha_"), r"ph[cxsra]_[A-Za-z0-9]{40,}"),
    Format(("dapi", "dkea"), r"(?:dapi|dkea)[a-f0-9]{32}(?:-[0-9])?"),
    Format(("pscale_",), r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9=._-]{30,64}"),
    Format(("sbp_", "sb_secret_"), r"(?:sbp_(?:v0_)?[a-z0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})"),
    Format(("SU", "SA", "SO", "SN"), r"S[UAON][A-Z2-7]{56}", then=r"[A-Z2-7]{20}"),
    Format(("fio-u-",), r"fio-u-[A-Za-z0-9_=-]{60,}"),
    Format(("aio_",), r"aio_[A-Za-z0-9]{28}"),
    Format(
        (
            "llx-",
            "tvly-",
            "pplx-",
            "gsk_",
            "xai-",
            "nvapi-",
            "hf_",
            "api_org_",
            "r8_",
            "lsv2_",
            "pcsk_",
        ),
        r"(?:(?:llx|pplx|xai|nvapi)-[A-Za-z0-9_-]{30,}|tvly-[A-Za-z0-9_-]{28,}|gsk_[A-Za-z0-9]{40,}|hf_[A-Za-z0-9]{30,40}|api_org_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9_-]{30,}|lsv2_[a-z]{2}_[a-f0-9_]{36,}|pcsk_[A-Za-z0-9_]{50,})",
        then=r"[A-Za-z0-9_-]{16}",
    ),
    Format(("sk-",), r"sk-[A-Za-z0-9_-]{20,}", then=r"[A-Za-z0-9_-]{16}"),
    Format(("lin_api_", "lin_oauth_"), r"lin_(?:api|oauth)_[A-Za-z0-9]{30,64}"),
    Format(
        ("ntn_", "secret_"),
        r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})",
        then=r"[A-Za-z0-9]{30}",
    ),
    Format(("PMAK-", "PMAT-"), r"PM(?:AK-[a-fA-F0-9]{20,}-[a-fA-F0-9]{30,}|AT-[A-Z0-9]{24,})"),
    Format(("pat-na1", "pat-eu1"), r"pat-(?:na|eu)1-[A-Za-z0-9-]{36}"),
    Format(("pat",), r"pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}", then=r"[A-Za-z0-9]{14}\."),
    Format(("oaa",), r"oaa[A-Za-z0-9]{14}\.v1\.[A-Za-z0-9+/=_.-]{40,}", then=r"[A-Za-z0-9]{14}\."),
    Format(
        ("rdme_", "dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."),
        r"(?:rdme_[a-z0-9]{60,}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,})",
    ),
    Format(
        ("odt_", "tk-us-", "00D"),
        r"(?:odt_[A-Za-z0-9]{32}|tk-us-[A-Za-z0-9_-]{48}|00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{60,})",
    ),
    Format(("sl.",), r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,}", then=r"[A-Za-z0-9_.-]{40}"),
    Format(
        ("api-", "mob-", "sdk-"),
        r"(?:api|sdk)-[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}",
        then=r"[0-9a-z]{8}-[0-9a-z]{4}-",
    ),
    Format(("cosmo_",), r"cosmo_[a-f0-9]{30,}"),
    Format(("jina_",), r"jina_[A-Za-z0-9]{40,}"),
    Format(("da2-",), r"da2-[a-z0-9]{26}"),
    Format(
        ("pgar_", "ramp_sec_", "tkn.v1_", "thog-", "endr+", "pub-c-", "sub-c-", "sec-c-", "s-s4t2"),
        r"(?:pgar_[A-Za-z0-9]{24,}|ramp_sec_[A-Za-z0-9]{40,}|tkn\.v1_[A-Za-z0-9=_-]{50,}|thog-(?:key|secret)-[a-f0-9]{16,}|endr\+[A-Za-z0-9]{16}|(?:pub|sub|sec)-c-[A-Za-z0-9-]{36,}|s-s4t2(?:ud|af)-[a-f0-9]{60,})",
    ),
    Format(("AAAAAAAAAA",), r"A{20,}[A-Za-z0-9%]{60,}"),
    # More makers, whose tokens say so by their first letters
    Format(("p8e-",), r"p8e-[a-z0-9]{32}"),
    Format(("pubkey-",), r"pubkey-[a-f0-9]{32}"),
    Format(("API-",), r"API-[A-Z0-9]{26,32}", then=r"[A-Z0-9]{20}"),
    Format(("sha256~",), r"sha256~[A-Za-z0-9_-]{43}"),
    Format(("sm_aat_", "sm_pat_", "sm_sat_"), r"sm_[aps]at_[A-Za-z0-9]{16,}"),
    Format(
        ("AQVN", "YC", "t1."),
        r"(?:AQVN|YC)[A-Za-z0-9_-]{35,}|t1\.[A-Za-z0-9_=-]{20,}\.[A-Za-z0-9_=-]{60,}",
        then=r"[A-Za-z0-9_=-]{20}",
    ),
    Format(("_mmk",), r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", before=37),
    Format(("4b1d",), r"4b1d[A-Za-z0-9]{38}", then=r"[A-Za-z0-9]{30}"),
    Format(
        ("sat.",),
        r"sat\.[A-Za-z0-9_-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}",
        then=r"[A-Za-z0-9_-]{22}\.",
    ),
    Format(
        ("sc_", "ext_", "scauth_", "authress_"),
        r"(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.(?:acc)[_-][a-z0-9-]{10,32}\.[a-z0-9+/_=-]{30,120}",
        then=r"[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.",
    ),
    Format(
        ("pk.", "sk.", "tk."),
        r"[pst]k\.[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{16,}",
        then=r"[A-Za-z0-9_-]{40}",
    ),
    Format(("RGAPI-",), r"RGAPI-[a-f0-9-]{36}"),
    Format(("tskey-",), r"tskey-[a-z]+-[A-Za-z0-9-]{16,}"),
    Format(
        ("nfp_", "nfc_", "nfo_", "vcp_", "vercel_", "rnd_", "rpa_", "e2b_", "napi_"),
        r"(?:nf[pco]|vcp|vercel|rnd|rpa|e2b|napi)_[A-Za-z0-9]{20,}",
        then=r"[A-Za-z0-9]{20}",
    ),
    Format(("fc-",), r"fc-[a-f0-9]{32}", then=r"[a-f0-9]{32}"),
    Format(("EAA",), r"EAA[A-Za-z][A-Za-z0-9]{50,}", then=r"[A-Za-z0-9]{30}"),
    Format(
        ("AQ", "WPL_AP"),
        r"AQ[A-Za-z0-9_-]{80,}|WPL_AP[0-9]\.[A-Za-z0-9.=]{16,}",
        then=r"[A-Za-z0-9_.-]{16}",
    ),
    Format(
        ("amzn.mws.", "amzn1.oa2-cs."), r"amzn(?:\.mws\.[0-9a-f-]{36}|1\.oa2-cs\.v1\.[a-f0-9]{64})"
    ),
    Format(("cfut_", "cfat_", "cfk_"), r"cf(?:ut|at|k)_[A-Za-z0-9_-]{30,}"),
    Format(("glbt-",), r"glbt-[A-Za-z0-9_-]{16,}"),
    Format(("pat-",), r"pat-[a-z]{2}[0-9]-[a-f0-9-]{36}", then=r"[a-z]{2}[0-9]-"),
    Format(
        ("zpka_", "apify_api_", "shpua_"),
        r"(?:zpka_[A-Za-z0-9_]{40,}|apify_api_[A-Za-z0-9]{30,}|shpua_[a-f0-9]{30,})",
    ),
    Format(("dG9rZW46",), r"dG9rZW46[A-Za-z0-9+/=]{16,}"),
    # Web
    Format(
        ("eyJ", "ewog", "ewoi", "ZXlK"),
        r"(?:ey[A-Za-z0-9_-]{8,}\.(?:ey)?[A-Za-z0-9_/+-]{10,}(?:\.[A-Za-z0-9_/+-]*)?=*|ewo[gi][A-Za-z0-9_-]{12,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*|ZXlK[A-Za-z0-9+/_=-]{40,})",
        then=r"[A-Za-z0-9_=+/.-]{8}",
    ),
    Format(
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}",
    ),
    Format(
        ("outlook.office", "webhook.office"),
        r"(?:outlook|[a-z0-9-]*\.?webhook)\.office(?:365)?\.com/webhook(?:b2)?/[A-Za-z0-9@/-]{40,}",
    ),
    Format(
        ("$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$argon2", "$apr1$", "$krb5", "{SSHA"),
        r"(?:\$(?:1|apr1)\$[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{20,}|\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{50,}|\$[56y]\$(?:rounds=[0-9]+\$)?[./A-Za-z0-9]{1,24}\$(?:[./A-Za-z0-9]{1,40}\$)?[./A-Za-z0-9]{40,}|\$argon2[a-z]{1,2}\$[^\s\"']{30,}|\$krb5[a-z]+\$[0-9]+\$[^\s\"']{30,}|\{SSHA[0-9]*\}[A-Za-z0-9+/=]{20,})",
    ),
    Format(("s.",), r"s\.(?:[A-Za-z0-9]{24}|CAES[A-Za-z0-9_-]{40,})", then=r"[A-Za-z0-9]{18}"),
    Format(("|",), r"[0-9]{15,16}\|[A-Za-z0-9_-]{27,40}", before=16, then=r"[A-Za-z0-9_-]{27}"),
    Format(
        (".",),
        r"[A-Za-z0-9_-]{20,28}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}",
        before=28,
        then=r"[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}",
    ),
    Format(
        ("sig=", "X-Amz-Signature="),
        r"(?:[?&;])?(?:sig|X-Amz-Signature)=[A-Za-z0-9+/%_-]{30,}={0,2}",
    ),
    Format(
        ("LS0tLS1CRUdJTi", "MII"),
        r"(?:LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]{20,}|MII[A-Za-z0-9+/]{50,}={0,2})",
        then=r"[A-Za-z0-9+/]{8}",
    ),
)
