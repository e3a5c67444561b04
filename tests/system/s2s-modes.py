#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gateway's security modes towards a real server outside, Prosody inside and ejabberd outside: tls-required,
tls-optional towards a server with and without TLS, no-tls; with and without client certificates; dialback alone, and
SASL EXTERNAL beside it. The scenes are in s2s_modes.py.
"""
from s2s_modes import run
from s2s_rig import Ejabberd, Prosody

run(Prosody, Ejabberd)
