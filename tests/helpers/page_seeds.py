"""Small exports of the formats that are pages, and of those of Discord that are not JSON; see `export_seeds`."""

from __future__ import annotations

_TELEGRAM = """<!DOCTYPE html><html><body><div class="page_header"><div class="content"><div class="text bold">
Robin
</div></div></div>
<div class="history">
<div class="message service" id="message-1"><div class="body details">
13 February 2024
</div></div>
<div class="message default clearfix" id="message1"><div class="body">
<div class="pull_right date details" title="13.02.2024 21:05:11 UTC+01:00">21:05</div>
<div class="from_name">
Kim
</div><div class="text">
bread?<br><a href="https://example.org">rye</a>
</div></div></div>
<div class="message default clearfix joined" id="message2"><div class="body">
<div class="pull_right date details" title="13.02.2024 21:06:11 UTC+01:00">21:06</div>
<div class="forwarded body"><div class="from_name">
Alex <span class="date details" title="01.02.2024 10:00:00 UTC+01:00"> 01.02.2024 10:00:00</span>
</div><div class="reply_to details">
In reply to <a href="#go_to_message1">this message</a>
</div><div class="media_wrap clearfix"><a class="photo_wrap clearfix pull_left" href="photos/a.jpg"></a></div>
</div></div></div></div></body></html>
"""

_META = """<html><head><title>Robin</title></head><body><main>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><h2 class="_3-95 _2pim _a6-h _a6-i">Robin</h2><div class="_3-95 _a6-p"><div>
<div></div><div>of rye<br>please</div><div></div><div>
<ul class="_a6-q"><li><span>\U0001f44dKim (Feb 13, 2024 9:08 pm)</span></li></ul></div>
</div></div><div class="_3-94 _a6-o">Feb 13, 2024 9:06 pm</div></div>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><h2 class="_3-95 _2pim _a6-h _a6-i">Kim</h2><div class="_3-95 _a6-p"><div>
<div></div><div>bread?</div><div><div><a href="https://example.org">https://example.org</a></div></div></div></div>
<div class="_3-94 _a6-o">Feb 13, 2024 9:05 pm</div></div></main></body></html>
"""

_RULE = "=" * 62
_DISCORD_TEXT = f"""{_RULE}
Guild: Direct Messages
Channel: robin
{_RULE}

[13/02/2024 21:05] kim
bread?


[13/02/2024 21:06] robin (pinned)
yes

rye

{{Attachments}}
https://example.org/a.png

{{Reactions}}
\U0001f44d (2)

{_RULE}
Exported 2 message(s)
{_RULE}
"""
_DISCORD_CSV = """AuthorID,Author,Date,Content,Attachments,Reactions
"1","kim","2024-02-13T21:05:11.1230000+00:00","bread?","",""
"2","robin","2024-02-13T21:06:11.1230000+00:00","yes
rye","https://example.org/a.png","\U0001f44d (1)"
"""

_DISCORD_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Club - kitchen</title></head><body>
<div class="preamble"><div class="preamble__entries-container"><div class="preamble__entry">Club</div>
<div class="preamble__entry">Text / kitchen</div></div></div><div class="chatlog"><div class="chatlog__message-group">
<div id="chatlog__message-container-1" class="chatlog__message-container" data-message-id="1"><div class="chatlog__message">
<div class="chatlog__message-primary"><div class="chatlog__header">
<span class="chatlog__author" title="kim" data-user-id="11">Kim</span>
<span class="chatlog__timestamp"><a href="#chatlog__message-container-1">13/02/2024 21:05</a></span></div>
<div class="chatlog__content chatlog__markdown">
<span class="chatlog__markdown-preserve">bread?<br>rye</span></div></div></div></div>
<div id="chatlog__message-container-2" class="chatlog__message-container" data-message-id="2"><div class="chatlog__message">
<div class="chatlog__message-aside"><div class="chatlog__short-timestamp" title="13/02/2024 21:06">21:06</div></div>
<div class="chatlog__message-primary"><div class="chatlog__attachment"><a href="a.png"><img src="a.png"></a></div>
<div class="chatlog__reactions"><div class="chatlog__reaction" title="wave"><img alt="w">
<span class="chatlog__reaction-count">2</span>
</div></div></div></div></div></div></div></body></html>
"""

_SNAPCHAT_PAGE = """<html><head><title>robin_b</title></head><body><div class='leftpanel'><a href='../chat_history.html'>all</a>
</div><div class='rightpanel'><h1>robin_b</h1>
<div style='background: #f2f2f2; border-radius: 7px;'><span>Saved</span><div><h4>kim</h4></div><span>TEXT</span>
<p>yes<br>rye</p><h6>2024-02-13 21:06:11 UTC</h6></div>
<div style='background: #f2f2f2; border-radius: 7px;'><div><h4>robin_b</h4></div><span>MEDIA</span>
<h6>2024-02-13 21:05:20 UTC</h6></div>
<div style='background: #f2f2f2; border-radius: 7px;'><div><h4>robin_b</h4></div><span>TEXT</span>
<p>bread?</p><h6>2024-02-13 21:05:11 UTC</h6></div></div></body></html>
"""
_SNAPCHAT_TABLES = """<html><body><div class="rightpanel"><h3>Received Saved Chat History</h3>
<table><tr><th>From</th><th>Media Type</th><th>Created</th></tr>
<tr><td>robin_b</td><td>TEXT</td><td>2021-02-13 21:06:11 UTC</td></tr><tr><td colspan="3">yes</td></tr></table>
<h3>Sent Saved Chat History</h3><table><tr><th>To</th><th>Media Type</th><th>Created</th></tr>
<tr><td>robin_b</td><td>IMAGE</td><td>2021-02-13 21:07:11 UTC</td></tr>
<tr><td>robin_b</td><td>TEXT</td><td>2021-02-13 21:05:11 UTC</td></tr><tr><td colspan="3">bread?</td></tr></table></body></html>
"""

PAGE_SEEDS: dict[str, tuple[str, str | bytes]] = {
    "telegram_html": ("messages.html", _TELEGRAM),
    "meta_html": ("message_1.html", _META),
    "snapchat_html": ("subpage_robin_b.html", _SNAPCHAT_PAGE),
    "snapchat_html-tables": ("chat_history.html", _SNAPCHAT_TABLES),
    "discord_html": ("robin [123].html", _DISCORD_PAGE),
    "discord_csv": ("robin [123].csv", _DISCORD_CSV),
    "discord_text": ("robin [123].txt", _DISCORD_TEXT),
}
