"""``python -m groundstation`` is the command ``groundstation``."""

from groundstation.cli import main

raise SystemExit(main())
