#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""As s2s-loss.py, and the server inside, a.test, is the one that is killed, frozen and cut off: every stanza that
b.test sent from outside has reached it or has come back, and is counted.
"""
import s2s_loss

if __name__ == "__main__":
    s2s_loss.play("a.test")
