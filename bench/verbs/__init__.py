"""The verbs of the command line, by what they are for, in the order of use.

What a verb needs is imported where it is used: what comes after `collect` imports no torch.
"""
