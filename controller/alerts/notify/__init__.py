"""Tells people who do not look at the screen: by webhook, e-mail, Telegram, or what else has a module here."""
