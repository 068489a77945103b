"""The cache of intermediate nodes: right first, then fast.

A key is what the code does (code.py), the content of every input (content.py) and the versions
of what computes; values are kept by diskcache without pickle (store.py); execution.py ties
them to the graph, lazily.
"""
