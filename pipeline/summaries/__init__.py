"""What a conversation is about and how urgent it is, in a sentence composed by rule from its scored rows."""

LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "nl": "Nederlands",
    "pt": "Português",
}
"""The languages of the sentences."""
