"""One chat that stands in several exports becomes one conversation, each message once.

::

    read every export once  ─candidates─▶  conversations that may be one chat  ─evidence─▶  groups that are  ─combine─▶  one each

- ``candidates`` keeps a few bytes a message of every conversation, and says which may be one chat.
- ``evidence`` compares two of them row by row (``alignment``) and says: one chat, not sure, or two chats.
- ``combine`` puts the rows of one chat in order. ``group`` does so for any number of exports.
- ``plan`` turns exports into what the engines read: exports without what was merged, and the merged conversations.

What is decided depends on what the exports hold, and never on the order in which they are given.
"""
