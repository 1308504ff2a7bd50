"""A functional test suite for detectors of grooming language, in the manner of HateCheck and CheckList.

A functionality is one thing that a detector must be able to do; its cases are short conversations with the verdict that is
expected. No sentence of the training corpus stands in it (Röttger et al. 2021, "HateCheck"; Ribeiro et al. 2020, "CheckList").

::

    safelight evaluate suite --model models/default
"""

VERSION = "1.0"
"""Of the cases: raised whenever one of them changes, so that figures of two versions are told apart."""
