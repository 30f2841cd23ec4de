"""What a researcher may ask of the engine, and the limits on it."""

from dataclasses import dataclass

from registry.errors import BadParameters, PromptTooLarge

SEED_LIMIT = 2**53 - 1
TEMPERATURE_LIMIT = 5.0
STOP_LIMIT = 8
STOP_LENGTH_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to generate.

    Attributes:
        max_new_tokens: Most tokens of each output, at least 1.
        temperature: 0 (greedy) to 5.
        top_p: Probability mass to sample from, above 0, at most 1.
        top_k: Most likely tokens to sample from; 0 for all.
        seed: 0 to 2**53 - 1; the same seed gives the same text.
        n: Number of outputs, at least 1.
        stop: Strings that end an output; the output does not contain them.
        echo: Whether the output begins with the prompt, which is then scored with it.
    """

    max_new_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    n: int
    stop: tuple[str, ...]
    echo: bool

    def check(self, *, outputs_limit: int, new_tokens_limit: int) -> None:
        """Check every parameter against its range.

        Raises:
            BadParameters: One is outside; the message names it and the range.
        """
        ranges: list[tuple[str, float, float, float]] = [
            ("max_new_tokens", self.max_new_tokens, 1, new_tokens_limit),
            ("temperature", self.temperature, 0, TEMPERATURE_LIMIT),
            ("top_k", self.top_k, 0, 2**31 - 1),
            ("seed", self.seed, 0, SEED_LIMIT),
            ("n", self.n, 1, outputs_limit),
        ]
        for name, value, least, most in ranges:
            if not least <= value <= most:
                raise BadParameters(
                    f"{name} must be from {least} to {most}", parameter=name, value=str(value)
                )
        if not 0 < self.top_p <= 1:
            raise BadParameters("top_p must be above 0 and at most 1", parameter="top_p")
        if len(self.stop) > STOP_LIMIT or not all(
            0 < len(each) <= STOP_LENGTH_LIMIT for each in self.stop
        ):
            raise BadParameters(
                f"stop takes at most {STOP_LIMIT} strings of 1 to {STOP_LENGTH_LIMIT} characters",
                parameter="stop",
            )
        for each in self.stop:
            check_text(each, parameter="stop")


def check_text(text: str, *, parameter: str) -> None:
    """Check that a text can be stored and scored as it is.

    Raises:
        BadParameters: It holds a NUL or half of a surrogate pair.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadParameters(
            f"{parameter} holds a NUL character or an unpaired surrogate: send valid Unicode text",
            parameter=parameter,
        )


def check_prompt(prompt: str, *, limit_bytes: int) -> None:
    """Check a prompt's characters and size.

    Raises:
        BadParameters: It holds characters that no text may hold.
        PromptTooLarge: It has more bytes than the service accepts.
    """
    check_text(prompt, parameter="prompt")
    size = len(prompt.encode())
    if size > limit_bytes:
        raise PromptTooLarge(
            f"the prompt has {size} bytes, {size - limit_bytes} more than this service accepts",
            prompt_bytes=size,
            limit_bytes=limit_bytes,
        )
