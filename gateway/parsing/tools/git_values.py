"""The values that the options of git may have (git 2.39)."""

import re

NUMBER = re.compile(r"0|[1-9][0-9]{0,5}")
TEXT = re.compile(r"[^\n\t]{1,128}")
DATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 :+.,/-]{0,63}")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.*/@-]{0,127}")
COMMIT = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_./@^~-]{0,127}")
DATE_STYLE = re.compile(
    r"(iso|iso-strict|iso8601|iso8601-strict|relative|short|local|human|unix|raw|default|rfc|rfc2822)(-local)?"
    r"|format(-local)?:[%A-Za-z0-9 :./,_-]{1,64}"
)
# Placeholders of `--format`: %G runs gpg and is not among them; of %x only blanks and separators.
FORMAT = re.compile(
    r"oneline|short|medium|full|fuller|reference|raw"
    r"|t?format:"
    r"|(format:|tformat:)?(?=.*%)([^%\n\t]|%(h|H|t|T|p|P|s|b|B|n|d|D|f|e|m|N|S|g[dDs]|%|x(00|09|0[aA]|20|2[cC]|7[cC])"
    r"|[<>]{1,2}\([0-9]{1,3}(,(m|l)?trunc)?\)"
    r"|a[nNeElLdDrtiIshc]|c[nNeElLdDrtiIsh]|C(red|green|blue|reset|\([a-z0-9 ]{1,32}\))))+|"
)
# Atoms of a ref's `--format`; %(signature) runs gpg and is not among them.
REF_FORMAT = re.compile(
    r"([^%\n\t]|%(%|00|09|0[aA]|20|2[cC]|7[cC])|%\(\*?(refname|objectname|objecttype|objectsize|upstream|push|HEAD|symref"
    r"|subject|(author|committer|tagger|creator)(name|email|date)?|contents:subject|tree|parent|numparent|tag|type"
    r"|object|color)(:[a-z0-9=, -]{1,32})?\))+"
)
STAT = re.compile(r"[0-9]{1,4}(,[0-9]{1,4}){0,2}")
ALGORITHM = re.compile(r"myers|minimal|patience|histogram|default")
# Not `porcelain`: it puts a value on another line than its name, and what is shown is redacted by names.
WORDS = re.compile(r"color|plain|none")
PORCELAIN = re.compile(r"v1|v2")
IGNORED = re.compile(r"traditional|no|matching")
GROUP = re.compile(r"author|committer|trailer:[A-Za-z-]{1,32}")
FILTER = re.compile(r"[ACDMRTXacdmrtx]{1,12}")
CONTEXT = re.compile(r"[0-9]{1,3}")
POINT = r"(?:[0-9]{1,7}|/[^/\n\t]{1,64}/)"
RANGE = rf"{POINT}?,[+-]?{POINT}|{POINT},?"
FUNCTION = r":[A-Za-z0-9_.$-]{1,64}"
LINES = re.compile(rf"{RANGE}|{FUNCTION}")
LINES_IN = re.compile(rf"(?:{RANGE}|{FUNCTION}):[^:]+")
DECORATE = re.compile(r"short|full|auto|no")
SIMILARITY = re.compile(r"[0-9]{1,3}%?")
ABBREV = re.compile(r"[0-9]{1,2}")
COLOR = re.compile(r"never|auto|always")
UNTRACKED = re.compile(r"no|normal|all")
SORT = re.compile(r"-?(refname|version:refname|v:refname|creatordate|committerdate|authordate|taggerdate)")
EPOCH = re.compile(r"[0-9]{1,10}")
# Another encoding would carry a secret past the redaction of what is shown.
ENCODING = re.compile(r"(?i:utf-?8)")
MERGES = re.compile(r"off|none|on|m|first-parent|1|separate|c|combined|cc|dense-combined")
MOVED = re.compile(r"no|default|plain|blocks|zebra|dimmed-zebra")
BLANKS = re.compile(r"all|none|default|(old|new|context)(,(old|new|context)){0,2}")
DIRSTAT = re.compile(
    r"(changes|lines|files|cumulative|[0-9]{1,2}(\.[0-9])?)(,(changes|lines|files|cumulative|[0-9]{1,2})){0,3}"
)
# A pattern that costs no more than a text: nothing in it repeats.
PLAIN = re.compile(r"[A-Za-z0-9_ .:/@=-]{1,128}")
SUBMODULES = re.compile(r"all|dirty")
SCORE = re.compile(r"[0-9]{1,4}")
