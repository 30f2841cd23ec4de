from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.campaign import CAMPAIGN
from filters.contract import Finding, Sample, Sketch
from filters.policy import default_policy
from filters.sketches import sketch_of

MAIL = (
    "Dear {name}, we noticed a payment of {amount} from your account at {city}. If this was not "
    "you, confirm your details at {link} within one day, or the account will be closed. "
    "Yours sincerely, the {city} security team."
)
PEOPLE = [
    {"name": "Anna Smith", "amount": "$1,250.00", "city": "Leeds", "link": "http://a.example/1"},
    {"name": "Bob", "amount": "$80", "city": "Lyon", "link": "http://b.example.org/x?y=2"},
    {"name": "carla", "amount": "€3.999,00", "city": "Porto", "link": "www.c.example"},
    {"name": "Nguyễn Thị Dung", "amount": "£17", "city": "Huế", "link": "https://d.example/#3"},
    {"name": "Þórunn", "amount": "12 345", "city": "San José", "link": "mail@e.example"},
    {"name": "Fyodor P. Oyelaran", "amount": "700", "city": "Accra", "link": "f.example/login"},
]
MAILS = [MAIL.format(**person) for person in PEOPLE]
STORY = (
    "Once there was a fox who lived behind the bakery. Every evening he waited until the ovens "
    "were cold, then he crept in and licked the flour from the floor."
)


def sketches(*texts: str) -> tuple[Sketch, ...]:
    return tuple(sketch for text in texts if (sketch := sketch_of(text)))


def find(text: str, *earlier: str) -> Finding:
    (reading,) = CAMPAIGN.score([Sample(text, earlier=sketches(*earlier))])
    assert reading.covered == ((0, len(text)),)
    (finding,) = reading.findings
    assert (finding.filter, finding.label) == ("campaign", "near_copies")
    return finding


@pytest.mark.parametrize("number", range(len(MAILS)))
def test_each_mail_of_a_campaign_counts_all_the_others(number: int) -> None:
    others = [mail for mail in MAILS if mail != MAILS[number]]

    assert find(MAILS[number], *others).count == len(MAILS)


def test_the_score_grows_with_the_count() -> None:
    scores = [find(MAILS[0], *MAILS[1 : 1 + number]).score for number in range(6)]

    assert scores == pytest.approx([0.0, 1 / 2, 2 / 3, 3 / 4, 4 / 5, 5 / 6])


def test_the_default_policy_flags_from_the_fifth_copy_on() -> None:
    threshold = default_policy().rules["campaign"]["near_copies"].threshold

    assert find(MAILS[0], *MAILS[1:4]).score < threshold
    assert find(MAILS[0], *MAILS[1:5]).score >= threshold


def test_the_same_text_again_is_no_campaign() -> None:
    assert find(MAILS[0], *[MAILS[0]] * 50).count == 1


def test_the_same_copy_again_counts_once() -> None:
    assert find(MAILS[0], *[MAILS[1]] * 50).count == 2


def test_the_beginning_of_the_same_text_is_no_campaign() -> None:
    assert find(MAILS[0], MAILS[0][:-40], MAILS[0][:-60]).count == 1


@pytest.mark.parametrize(
    "text", ["", " \n", "ok", "Dear Anna, hello.", "\0" * 100, "1 2 3 4 5 6 7 8 9 10 11 12"]
)
def test_a_short_text_is_like_nothing(text: str) -> None:
    assert find(text, text, f"{text}!", *MAILS).score == 0.0


def test_texts_about_other_things_are_no_copies() -> None:
    assert find(STORY, *MAILS, STORY.replace("fox", "hedgehog").upper()[:60]).count == 1


def test_the_prompt_that_was_asked_for_does_not_make_a_copy() -> None:
    prompts = [f"{MAIL.format(**person)} Answer politely: " for person in PEOPLE]
    earlier = sketches(*[STORY] * 5)

    readings = CAMPAIGN.score(
        [Sample(prompt + STORY, prompt, echo=True, earlier=earlier) for prompt in prompts]
    )

    assert [reading.findings[0].count for reading in readings] == [1] * len(prompts)


def test_the_span_is_what_was_generated() -> None:
    sample = Sample("Write a mail. " + MAILS[0], "Write a mail. ", echo=True)

    ((finding,),) = [reading.findings for reading in CAMPAIGN.score([sample])]

    assert sample.text[finding.start : finding.end] == MAILS[0]


CHINESE = (
    "尊敬的{}。您的账户因为没有支付费用已经被暂停。请尽快与我们的客服联系并且确认您的银行信息。"
    "如果您今天没有完成这个步骤。我们将会永久关闭您的账户。所有的余额都会被没收。"
)
HINDI = (
    "प्रिय {} आपका खाता बंद कर दिया गया है क्योंकि शुल्क का भुगतान नहीं हुआ है। कृपया आज ही अपने "
    "बैंक की जानकारी की पुष्टि करें नहीं तो हम आपकी सारी जमा राशि जब्त कर लेंगे और खाता हटा देंगे।"
)
LOWER = (
    "dringend {} ihr konto wurde gesperrt und muss heute noch bestätigt werden, sonst wird es von "
    "uns gelöscht und ihr guthaben verfällt. klicken sie dazu auf den verweis in dieser nachricht"
)


@pytest.mark.parametrize(
    ("copy", "names"),
    [
        (CHINESE, ["王伟", "李娜", "张敏"]),
        (HINDI, ["आशा", "रवि", "सुनीता"]),
        (LOWER, ["anna", "bert", "carla"]),
    ],
)
def test_names_without_capitals_are_seen_as_well(copy: str, names: list[str]) -> None:
    copies = [copy.format(name) for name in names]

    assert find(copies[0], *copies[1:]).count == len(names)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_a_score_from_zero_to_one(text: str, other: str) -> None:
    finding = find(f"{text} {MAIL} {other}", f"{other} {MAIL} {text}", MAIL, text)

    assert 0.0 <= finding.score < 1.0
    assert finding.count >= 1
