"""Channels that need not be computed: what no input can change, what nobody reads, what is twice.

``links`` says which indices of which axes stay or go together, ``roles`` how each operator takes
part, ``weighted`` how layers with weights do without channels, ``plan`` what goes, ``remove`` finds
that and carries it out.
"""
