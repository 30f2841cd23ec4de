"""Published formats of tokens: what an issuer puts in front so that scanners can find its tokens.

Source: the issuers' own documentation of their prefixes and lengths. A format that only some
issuers' keys have by chance (32 hexadecimal digits) is not here; ``credentials`` asks for a name
beside it.
"""

from __future__ import annotations

import re

_FORMATS = (
    # Clouds and hosting.
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",  # AWS
    r"ABSK[A-Za-z0-9+/]{100,}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{60,}",
    r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{40,}|GOCSPX-[A-Za-z0-9_-]{28}",  # Google
    r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",  # Azure
    r"LTAI[A-Za-z0-9]{16,24}|AKID[A-Za-z0-9]{32}",  # Alibaba, Tencent
    r"AQVN[A-Za-z0-9_-]{35,38}|t1\.[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{40,}",  # Yandex
    r"do[orp]_v1_[a-f0-9]{64}",  # DigitalOcean
    r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}",  # Cloudflare
    r"FlyV1 fm\d[a-z]?_[A-Za-z0-9+/=,_]{80,}|fo1_[A-Za-z0-9_-]{43}",  # Fly.io
    r"HRKU-[A-Za-z0-9_-]{36,64}",  # Heroku
    r"nfp_[A-Za-z0-9]{36}|sbp_[a-f0-9]{40}|tk-us-[A-Za-z0-9_-]{48}",  # Netlify, Supabase, Scalingo
    r"sha256~[A-Za-z0-9_-]{43}|apikey-[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,}",  # OpenShift
    r"tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}",  # Tailscale
    r"4b1d[A-Za-z0-9]{38}",  # ClickHouse
    r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}",  # PlanetScale
    # Code, packages and their checks.
    r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255}",
    r"gl(?:pat|ptt|rt|dt|cbt|ft|soat|agent|ffct|imt|oas)-[A-Za-z0-9_.-]{20,300}",  # GitLab
    r"GR1348941[A-Za-z0-9_-]{20}|_gitlab_session=[a-f0-9]{32}",
    r"npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{60,}|rubygems_[a-f0-9]{48}|CLOJARS_[a-z0-9]{60}",
    r"AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59}",  # Artifactory
    r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,52}",  # Docker
    r"AT[AC]TT3[A-Za-z0-9_=-]{180,}|ATBB[A-Za-z0-9]{32}",  # Atlassian
    r"sgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}|sq[upa]_[a-f0-9]{40}",  # Sourcegraph, Sonar
    r"sntrys_eyJ[A-Za-z0-9+/=_]{80,}|sntryu_[a-f0-9]{64}",  # Sentry
    r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}|CCIPAT_[A-Za-z0-9]{20,24}_[a-f0-9]{40}|bkua_[a-f0-9]{40}",
    # Vaults and infrastructure.
    r"hv[sbr]\.[A-Za-z0-9_-]{24,}|s\.(?=[a-z]*[A-Z0-9])(?=\w*\d)[A-Za-z0-9]{24}",  # Vault
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}|pul-[a-f0-9]{40}",  # Terraform, Pulumi
    r"ops_eyJ[A-Za-z0-9+/]{200,}={0,3}|A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}",  # 1Password
    r"dp\.(?:pt|ct|st|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",  # Doppler
    r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    r"dapi[a-f0-9]{32}(?:-\d)?|API-[A-Z0-9]{26}|p[nc]u_[a-z0-9]{36}",  # Databricks, Octopus
    r"ico-[A-Za-z0-9]{32}|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}",  # Infracost, Dynatrace
    r"NR(?:AK|AA|RA|II|JS|SP)-[A-Za-z0-9-]{19,32}",  # New Relic
    r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}",  # Grafana
    # Models.
    r"sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{60,}",  # Anthropic
    r"sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}",  # OpenAI
    r"(?:hf_|api_org_)[A-Za-z]{34}|r8_[A-Za-z0-9]{37}|gsk_[A-Za-z0-9]{52}|xai-[A-Za-z0-9]{80}",
    r"pplx-[A-Za-z0-9]{48}|lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|pcsk_[A-Za-z0-9_]{50,}",
    # Messages and mail.
    r"xox[abeoprs]-(?:\d+-)*[A-Za-z0-9]{10,}(?:-[A-Za-z0-9]+)*",  # Slack
    r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{32,}|xoxe\.xox[bp]-\d-[A-Za-z0-9]{100,}",
    r"https?://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{30,}",
    r"https?://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{16,20}/[A-Za-z0-9_-]{60,}",
    r"https?://[\w-]+\.webhook\.office\.com/webhookb2/[a-f0-9-]{36}@[a-f0-9-]{36}/[\w/-]{40,}",
    r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",  # Discord
    r"\d{8,10}:AA[A-Za-z0-9_-]{33}",  # Telegram
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}",
    r"(?:pub)?key-[a-f0-9]{32}|[a-f0-9]{32}-us\d{1,2}|SK[a-f0-9]{32}",  # Mailgun, Mailchimp, Twilio
    r"EAA[A-Za-z0-9]{100,}|\d{15,16}(?:\||%7C)[A-Za-z0-9_-]{27,40}",  # Facebook
    # Money and shops.
    r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/]{32,}",  # Stripe
    r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}|EAAAE[\w-]{59}",
    r"access-(?:sandbox|development|production)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}",
    r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",  # PayPal
    r"FLW(?:PUB|SEC)K(?:_TEST)?-[a-h0-9]{12,32}|EZ[AT]K[A-Za-z0-9]{54}",  # Flutterwave, EasyPost
    r"(?:duffel|shippo)_(?:test|live)_[A-Za-z0-9_-]{40,43}|[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    r"[a-f0-9]{8}:[a-f0-9]{8}@(?:gems|enterprise)\.contribsys\.com",  # Sidekiq
    # Work.
    r"ntn_[0-9]{11}[A-Za-z0-9]{35}|lin_(?:api|oauth)_[A-Za-z0-9]{40,64}",  # Notion, Linear
    r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}|figd_[A-Za-z0-9_-]{40}|CFPAT-[A-Za-z0-9_-]{43}",
    r"rdme_[a-z0-9]{70}|tfp_[A-Za-z0-9_.=-]{59}|fio-u-[A-Za-z0-9_=-]{64}|p8e-[a-z0-9]{32}",
    r"s-s4t2(?:ud|af)-[a-f0-9]{64}|sl\.[A-Za-z0-9_=-]{130,}",  # 42, Dropbox
    r"sk\.eyJ[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{20,}",  # Mapbox
    # Everybody.
    r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JSON Web Token
)

PUBLISHED = re.compile(
    r"(?<![A-Za-z0-9_-])(?:" + "|".join(_FORMATS) + r")(?![A-Za-z0-9])", re.ASCII
)
"""Any published format, not inside a longer word."""
