"""`python -m pointllm` is the command `pointllm`."""

import sys

from .cli import main

sys.exit(main())
