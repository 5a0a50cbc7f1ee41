"""Requests of /v1/chat/completions that are understood. What would change the answer and can't be done is refused;
what changes nothing here (user, metadata, penalties, …) is let pass.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class TextPart(_Lenient):
    """Words of a message."""

    type: Literal["text"]
    text: str


class Address(_Lenient):
    """Where a picture or any other file is: a data URL or the id of an upload. name: with its suffix."""

    url: str
    name: str | None = None


class ImagePart(_Lenient):
    """A picture; clients that know no other way may send any kind of file so."""

    type: Literal["image_url"]
    image_url: Address | str

    @property
    def address(self) -> Address:
        return Address(url=self.image_url) if isinstance(self.image_url, str) else self.image_url


class Sound(_Lenient):
    """A sound: base64, and its kind ("wav", "mp3", …)."""

    data: str
    format: str = "wav"


class AudioPart(_Lenient):
    """A sound in a message."""

    type: Literal["input_audio"]
    input_audio: Sound


class FileContent(_Lenient):
    """A file: the id of an upload, or its content as a data URL or base64, and its name."""

    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> FileContent:
        if not self.file_id and not self.file_data:
            raise ValueError("give file_id, or file_data with filename")
        return self


class FilePart(_Lenient):
    """Any file in a message."""

    type: Literal["file"]
    file: FileContent


Part = Annotated[TextPart | ImagePart | AudioPart | FilePart, Field(discriminator="type")]


class Message(_Lenient):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None


class StreamOptions(_Lenient):
    """include_usage: whether a last event counts the tokens."""

    include_usage: bool = False


class ChatRequest(_Lenient):
    """The body of a request. weights, texts, witness and use_cache are this model's own."""

    model: str | None = None
    messages: list[Message] = Field(min_length=1, max_length=1000)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int | None = None
    logprobs: bool | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    modalities: list[str] | None = None
    weights: list[float] | None = None
    texts: list[str] | None = None
    witness: Literal["point", "views", "both"] | None = None
    use_cache: bool = True

    @property
    def stops(self) -> list[str]:
        """Texts that end the answer."""
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or [])

    @model_validator(mode="after")
    def _can_be_done(self) -> ChatRequest:
        if self.n not in (None, 1):
            raise ValueError("n: one answer at a time is given; ask again with another seed for another one")
        if (self.tools and self.tool_choice != "none") or self.functions:
            raise ValueError("tools: this model calls none; leave tools and functions out")
        if self.logprobs:
            raise ValueError("logprobs: are not given; leave it out")
        if self.response_format and self.response_format.get("type", "text") != "text":
            raise ValueError("response_format: answers are plain text; leave it out")
        if self.modalities and self.modalities != ["text"]:
            raise ValueError('modalities: answers are text; give ["text"], or leave it out')
        if len(self.stops) > 4 or not all(self.stops):
            raise ValueError("stop: give one to four texts that are not empty")
        if self.stream_options and not self.stream:
            raise ValueError("stream_options: only goes with stream: true")
        return self
