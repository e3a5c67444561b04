#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No stanza is lost in silence. While 200 stanzas a second flow both ways between a.test inside and b.test
outside, the server of b.test is killed, then frozen, then cut off, and comes back each time. Every stanza that
a.test gave to the gateway has either reached b.test, once, or come back as an error, once; of each stream of b.test
all that the gateway read has; and the outage is seen within 30 s, not 15 minutes. Few have done both: what was
written before it was clear that b.test does not answer, and was read by it all the same.

s2s-loss-inside.py does the same to the server inside.
"""
import s2s_loss

if __name__ == "__main__":
    s2s_loss.play("b.test")
