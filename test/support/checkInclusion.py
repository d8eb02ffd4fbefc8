"""Checks an inclusion proof as RFC 9162 section 2.1.3.2 writes it down: nothing of Kilde's own code."""
import base64, hashlib, json, sys

given = json.loads(sys.argv[1])
fn, sn = given["index"], given["size"] - 1
r = base64.b64decode(given["leaf"])
node = lambda left, right: hashlib.sha256(b"\x01" + left + right).digest()
ok = given["index"] < given["size"]
for text in given["proof"]:
    p = base64.b64decode(text)
    if sn == 0:
        ok = False
        break
    if fn & 1 or fn == sn:
        r = node(p, r)
        while fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
    else:
        r = node(r, p)
    fn, sn = fn >> 1, sn >> 1
ok = ok and sn == 0 and r == base64.b64decode(given["root"])
print("included" if ok else "not included")
sys.exit(0 if ok else 1)
