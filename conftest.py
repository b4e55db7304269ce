"""What holds before anything of ours is imported: each module is compiled once, not by every process of every run.

Also where the environment asks for no bytecode: the tests start many processes, each of which would compile all of
Régua, and pytest would rewrite the assertions of every test again.
"""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
