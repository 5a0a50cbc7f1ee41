"""Errors as OpenAI's clients expect them: {"error": {"message", "type", "param", "code"}} and a fitting status."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from pointllm.errors import InputError, WeightsError

from ...language import DEFAULT
from ...uploads import explain

KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 503: "server_error"}


class Refusal(Exception):
    """A request that is not answered: status, one line, and which parameter it is about."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def body(self) -> dict:
        """As JSON."""
        kind = KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def refusal_of(error: BaseException, paths: list[str] | None = None) -> Refusal:
    """What to tell of any error; those of the library speak for themselves, others are logged and told briefly."""
    if isinstance(error, Refusal):
        return error
    line = explain(error, paths or [], DEFAULT)
    if isinstance(error, InputError | FileNotFoundError):
        return Refusal(400, line, "messages", "invalid_input")
    if isinstance(error, WeightsError):
        return Refusal(503, line, None, "model_not_loaded")
    return Refusal(500, line)


def install(api: FastAPI) -> None:
    """Have every error of `api` told that way."""

    @api.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return JSONResponse(error.body(), error.status, headers=headers)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(of_validation(error.errors()).body(), 400)

    @api.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path} is not known here" if error.status_code in (404, 405) \
            else str(error.detail)
        return JSONResponse(Refusal(error.status_code, message).body(), error.status_code, headers=error.headers)

    @api.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        refusal = refusal_of(error)
        return JSONResponse(refusal.body(), refusal.status)


def of_validation(errors: list | ValidationError) -> Refusal:
    """The first thing that is wrong with a request's body, and where."""
    first = (errors.errors() if isinstance(errors, ValidationError) else errors)[0]
    place = [str(part) for part in first["loc"] if part != "body"]
    # Alternatives of a union stand in the place by their class's name, which says nothing to the caller.
    place = [part for part in place if not part[:1].isupper() and "[" not in part]
    param = ".".join(place)
    message = first["msg"].removeprefix("Value error, ")
    return Refusal(400, f"{param}: {message}" if param else message, param or None, "invalid_value")
