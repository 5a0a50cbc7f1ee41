"""`pointllm serve`: starts the web app of the checkout that this package belongs to, once or several times."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import InputError, PointLLMError
from .inputs import PROFILE_HELP, add_device_options, add_placement_options, positive


def add_to(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("serve", help="start the web app")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=positive, help="port to listen on (default: $PORT, else 7860)")
    parser.add_argument("--profile", metavar="P", help=PROFILE_HELP)
    parser.add_argument(
        "--replicas", type=positive, default=1, metavar="N", help="copies of the app behind one port (default: 1)"
    )
    parser.add_argument("--mcp", action="store_true", help="let assistants call the app as tools (MCP; docs/api.md)")
    add_device_options(parser)
    add_placement_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.port and args.port > 65535:
        raise InputError(f"--port {args.port} is no port; give a number from 1 to 65535")
    script = Path(__file__).resolve().parents[2] / "app.py"
    if not script.is_file():
        raise PointLLMError(f"{script}: the web app is part of a full checkout; start it there with ./run.sh")
    settings = {"GRADIO_SERVER_NAME": args.host, "PORT": args.port, "POINTLLM_PROFILE": args.profile,
                "POINTLLM_MCP": "1" if args.mcp else None}
    environment = os.environ | {name: str(value) for name, value in settings.items() if value is not None}
    command = [sys.executable, str(script)]
    if args.replicas == 1:
        os.execve(sys.executable, command, environment)
    from ..serving.replicas import serve

    port = environment.get("PORT") or "7860"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f"PORT is {port!r}; give a number from 1 to 65535, or unset it for 7860")
    return serve(command, environment, args.replicas, environment.get("GRADIO_SERVER_NAME") or "127.0.0.1", int(port))
