"""One POST to somebody else's server: no redirect is followed, no secret gets into an error, all is bounded."""

import asyncio
import logging
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from controller.alerts.notify.channel import SEND_S, ChannelError

# They log addresses, and that of a Telegram-style server has the token in it.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

MAX_ANSWER_BYTES = 64 * 1024
CHECK = "Check its address, the network, and that the service runs."


async def post(url: str, body: bytes, headers: dict[str, str], ca: Path | None = None) -> tuple[int, bytes]:
    """Return status and body, cut short, of the answer to a body of JSON. Raises ChannelError; its words have the host
    alone, as the path may bear a token."""
    host = urlsplit(url).hostname
    try:
        verify = ssl.create_default_context(cafile=ca) if ca else True
        async with asyncio.timeout(SEND_S), httpx.AsyncClient(verify=verify, trust_env=False, timeout=SEND_S) as client:
            sent = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "loaxa", **headers}
            sent["Accept-Encoding"] = "identity"  # what unfolds is not bounded
            async with client.stream("POST", url, content=body, headers=sent, follow_redirects=False) as answer:
                if answer.is_redirect:
                    raise ChannelError(
                        f"{host} leads elsewhere (HTTP {answer.status_code}).", "Set the address that it leads to."
                    )
                return answer.status_code, await _read(answer)
    except TimeoutError:
        raise ChannelError(f"{host} does not answer within {SEND_S:.0f} s.", CHECK) from None
    except httpx.ConnectError as error:
        why = "its certificate is not trusted" if "CERTIFICATE_VERIFY_FAILED" in str(error) else "no connection"
        raise ChannelError(f"{host} is not reached: {why}.", CHECK) from None
    except httpx.TimeoutException:
        raise ChannelError(f"{host} does not answer within {SEND_S:.0f} s.", CHECK) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ChannelError(f"{host} did not answer as a web server does ({type(error).__name__}).", CHECK) from None
    except OSError as error:  # the file of the authority
        raise ChannelError(f"The authority's file cannot be used: {error.strerror}.", "Check ca.") from None


async def _read(answer: httpx.Response) -> bytes:
    content = b""
    async for part in answer.aiter_raw():
        content += part
        if len(content) >= MAX_ANSWER_BYTES:
            break
    return content[:MAX_ANSWER_BYTES]
