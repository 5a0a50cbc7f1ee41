"""Scripts of `scripts/` as modules, for tests of their parts."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


def script_module(name: str):
    """The module of `scripts/NAME.py`."""
    spec = spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
