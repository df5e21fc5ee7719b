"""A mail relay (aiosmtpd) for the tests of the server, on a loopback port, as long as its standard input is open.

    smtp.py clear|starttls|tls PORT [CERTIFICATE KEY ACCOUNT PASSWORD]

PORT 0 is any that is free. With TLS it asks for a login before it takes anything. Prints "ready PORT", then a line of JSON for each mail that it took:
over what it came, who was logged in, from whom, to whom, and the text. A receiver whose name is three digits is refused with that number; to one that is
named "silent" it prints {} and answers nothing.
"""

import asyncio
import json
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# That a login is asked for without STARTTLS is right where TLS comes first.
warnings.simplefilter("ignore", UserWarning)


class Relay:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name.isdigit() and len(name) == 3:
            return f"{name} not for {address}"
        if name == "silent":
            print("{}", flush=True)
            await asyncio.Event().wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        tls = server.transport.get_extra_info("ssl_object")
        line = {"tls": tls.version() if tls else None, "login": session.auth_data, "from": envelope.mail_from, "to": envelope.rcpt_tos, "text": envelope.original_content.decode("ascii")}
        print(json.dumps(line), flush=True)
        return "250 taken"


async def serve(mode, port, certificate=None, key=None, account=None, password=None):
    context = None
    if mode != "clear":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    def log_in(server, session, envelope, mechanism, shown):
        good = isinstance(shown, LoginPassword) and shown == LoginPassword(account.encode(), password.encode())
        return AuthResult(success=good, handled=good, auth_data=account)

    loop = asyncio.get_running_loop()
    options = {"hostname": "relay.test", "loop": loop}
    if context:
        options |= {"authenticator": log_in, "auth_required": True, "auth_require_tls": mode == "starttls"}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    listener = await loop.create_server(lambda: SMTP(Relay(), **options), "127.0.0.1", int(port), ssl=context if mode == "tls" else None)
    print(f"ready {listener.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(serve(*sys.argv[1:]))
