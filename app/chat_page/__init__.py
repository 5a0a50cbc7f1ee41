"""The page on which people chat: its components and wiring (`page`), the inputs above the text box (`chips`), what
happens to them (`inputs`), the settings, and the drawer of kept conversations. Asking and answering is `app.chat`'s.
"""
