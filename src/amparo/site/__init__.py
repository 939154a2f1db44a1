"""The referral desk: a possible victim is identified, asked, referred, helped and heard, by several agencies.

Django is known in this room only. A case belongs to one agency; another sees it by an accepted referral, field group by
field group, for a purpose and a time, as far as consent goes. ``access.py`` alone decides who may see what.
"""
