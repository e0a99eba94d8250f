"""Given names that can be understood where a phrase has a `<name>`."""

from __future__ import annotations

__all__ = ["GIVEN_NAMES"]

# Common ones, and not too many: each more is one that another can be mistaken for.
NAMES = """
ada adam albert alex alexander alice amanda amy andrea andrew angela ann anna anthony arthur
barbara ben benjamin betty bob brian carlos carol caroline catherine charles charlotte chloe
chris christina christopher claire clara daniel david deborah diana donald dorothy edward
eleanor elena elizabeth ella emily emma eric ethan eva evelyn felix fiona frances frank george
grace grant hannah harold harry helen henry hugo ian irene isabel jack jacob james jane janet
jason jennifer jessica john jonathan joseph joshua judith julia karen katherine kenneth kevin
kimberly laura leo leonard linda lisa louis lucas lucy margaret maria mark martin mary matthew
maya megan melissa michael michelle miguel molly nancy natalie nathan nicholas nicole noah nora
oliver olivia oscar otto pamela patricia patrick paul peter philip rachel raymond rebecca
richard robert roger rosa rose ruth ryan sam samantha samuel sandra sarah scott sebastian sharon
simon sofia sophia stephanie stephen steven susan teresa theodore thomas timothy tom valerie
victor victoria vincent violet virginia walter william zoe
"""

GIVEN_NAMES = tuple(NAMES.split())
