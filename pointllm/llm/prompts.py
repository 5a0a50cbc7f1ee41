"""Prompts: from a question and the turns before it to the text that the language model reads.

Two kinds, by a config's `prompt`: "chat" for instruction models with ChatML marks (SmolLM2), with history; "alpaca" for
the published LLaMA adapters, which were trained on single instructions: earlier turns become the input beside the
instruction. With an object attached the chat prompt has no system message: every token of it would be read before the
first word of each answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pointllm.errors import InputError

Turn = tuple[str, str]  # question, answer

NOTHING_ATTACHED = (
    "You are a helpful AI assistant named Point-LLM. You can look at 3D files, pictures, sounds and videos that the "
    "user uploads. Nothing is uploaded yet."
)

BESIDE_THE_POINT = "You are a helpful AI assistant named Point-LLM. Answer in one or two sentences."


def turns_of(history: Sequence) -> list[Turn]:
    """(question, answer) pairs from pairs, or from messages {"role", "content"} as chat windows keep them."""
    if history and isinstance(history[0], Mapping):
        turns: list[Turn] = []
        question = None
        for message in history:
            text = message.get("content")
            if not isinstance(text, str):
                continue  # an attachment: it is no text, and the model saw it as an embedding
            if message.get("role") == "user":
                question = text
            elif message.get("role") == "assistant" and question is not None:
                turns.append((question, text))
                question = None
        return turns
    try:
        return [(str(question), str(answer)) for question, answer in history]
    except (TypeError, ValueError) as error:
        raise InputError("history: give (question, answer) pairs or {'role', 'content'} messages") from error


def chat_prompt(question: str, history: Sequence[Turn] = (), system: str | None = None) -> str:
    """ChatML up to the header of the answer."""
    messages = [("system", system)] if system else []
    for asked, answered in history:
        messages += [("user", asked), ("assistant", answered)]
    messages.append(("user", question))
    return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in messages) + "<|im_start|>assistant\n"


def alpaca_prompt(instruction: str, context: str | None = None) -> str:
    """The instruction format of Stanford Alpaca that the published adapters were trained with."""
    if context is None:
        return (
            "Below is an instruction that describes a task. Write a response that appropriately completes the "
            f"request.\n\n### Instruction:\n{instruction}\n\n### Response:"
        )
    return (
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
        "response that appropriately completes the request.\n\n### Instruction:\n"
        f"{instruction}\n\n### Input:\n{context}\n\n### Response:"
    )


def alpaca_conversation(question: str, history: Sequence[Turn] = (), system: str | None = None) -> str:
    """An Alpaca prompt whose input holds the earlier turns. `system` has no place in this format and is left out."""
    if not history:
        return alpaca_prompt(question)
    turns = "\n".join(f"Question: {asked}\nAnswer: {answered}" for asked, answered in history)
    return alpaca_prompt(question, f"The conversation so far:\n{turns}")


PROMPTS = {"chat": chat_prompt, "alpaca": alpaca_conversation}
