"""Faults at seeded moments: nothing finished is lost or doubled, whatever fails.

Run as ``python -m tests.faults --victim driver --kills 50 --seed 1``, or with
``--victim all``. A trial starts a real command, waits until a seeded moment of its
work, kills one of its processes with SIGKILL (or fills its disk, or removes its
results), goes on with what is left and holds it against a run that nobody disturbed. A
victim is a file in ``victims/`` that defines

    WORK                      the command to disturb, see ``works``
    EXITS                     codes that the command may end with besides 0
    find(driver, folder)      the processes to choose from, ``psutil.Process`` each;
                              ``folder`` is where the command keeps its results

and where it differs from a kill

    SLACK                     entries that may be left in the temporary folder
    place(scratch)            context of the folder to make ``folder`` in, and None
                              where that cannot be had here
    strike(process, folder)   what to do instead of killing ``process``
    heal(folder)              what to do before the command goes on

pytest takes a few of these faults (``tests/test_faults.py``) and never this package.
"""

from __future__ import annotations
