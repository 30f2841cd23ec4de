"""Names that links of phishing borrow, hide behind or end in: the data of ``link_marks``."""

from __future__ import annotations

import re

BRANDS = (
    "paypal|icloud|microsoft|office365|onedrive|sharepoint|google|gmail|amazon|netflix|facebook"
    "|instagram|whatsapp|linkedin|dropbox|docusign|wetransfer|wellsfargo|bankofamerica|citibank"
    "|capitalone|usaa|americanexpress|hsbc|barclays|natwest|lloyds|santander|dhl|fedex|usps"
    "|coinbase|binance|metamask|blockchain|steamcommunity|ebay|adobe|godaddy|roundcube|zimbra"
)
"""Names that hardly anybody uses but their owners."""

ORDINARY_BRANDS = "apple|chase|outlook|ups|steam|discover|yahoo|zoom|webmail|owa"
"""Names that are words as well, so that they count only beside bait."""

BAIT = re.compile(
    r"(?i)log-?in|log-?on|sign-?in|verif(?:y|ication)|secure|account|update|confirm|passwo?r?d"
    r"|credential|unlock|suspend|wallet|billing|banking|invoice|webscr|recover|authenticat|validat"
    r"|reactivat|helpdesk|help-?ticket|quota|mailbox|kyc"
)
"""Words that make a reader type a password."""

SHORTENERS = frozenset(
    {
        "adf.ly", "bit.do", "bit.ly", "bl.ink", "buff.ly", "clck.ru", "cutt.ly", "goo.gl",
        "is.gd", "lnkd.in", "ow.ly", "qr.ae", "rb.gy", "rebrand.ly", "s.id", "shorturl.at",
        "soo.gd", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "tr.im", "u.to", "v.gd",
    }
)  # fmt: skip

FREE_HOSTS = frozenset(
    {
        "000webhostapp.com", "appspot.com", "blogspot.com", "firebaseapp.com", "fleek.co",
        "formstack.com", "github.io", "glitch.me", "godaddysites.com", "herokuapp.com",
        "jimdo.com", "jimdofree.com", "jotform.com", "netlify.app", "ngrok.io", "pages.dev",
        "powr.io", "r2.dev", "repl.co", "square.site", "surge.sh", "typeform.com", "ucraft.net",
        "vercel.app", "web.app", "webflow.io", "webnode.com", "webydo.com", "weebly.com",
        "weeblysite.com", "wixsite.com", "wordpress.com", "workers.dev", "yolasite.com",
    }
)  # fmt: skip
"""Where anybody has a page in a minute, without a name."""

CHEAP_ENDINGS = frozenset(
    {
        "buzz", "cam", "cf", "cfd", "click", "country", "cyou", "ga", "gdn", "gq", "icu", "link",
        "ml", "mom", "mov", "rest", "sbs", "stream", "tk", "top", "work", "xyz", "zip",
    }
)  # fmt: skip

DOWNLOAD = re.compile(r"(?i)\.(?:exe|scr|bat|cmd|msi|vbs|ps1|hta|apk|jar|iso|lnk|js|img)$")
DISGUISE = re.compile(r"(?i)\.(?:pdf|docx?|xlsx?|jpe?g|png|txt|mp[34])\.[a-z]{2,4}$")
"""A document's ending before the real one."""

PLANTED = re.compile(
    r"(?i)/(?:wp-(?:admin|includes)/.|wp-content/(?!uploads)\S*/.|\.well-known/.+/)"
)
"""Where pages lie that somebody else put on a site."""
