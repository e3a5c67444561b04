#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What s2s-modes.py does, the servers changed over: ejabberd inside and Prosody outside, in each security mode."""
from s2s_modes import run
from s2s_rig import Ejabberd, Prosody

run(Ejabberd, Prosody)
