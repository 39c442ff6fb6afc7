"""Sweeps: one verb or notebook over a grid of parameters, one process a cell.

spec     the file that says what is wanted, checked before anything starts
_keys    what a cell is: the hash of all that its result rests on
state    the folder of a sweep; a cell's folder appears when the cell has finished
work     executes one cell, here or on another machine
engines  where cells run, one file each
drive    what is lacking goes to an engine, what comes back is kept
table    one tidy table over all cells
"""
