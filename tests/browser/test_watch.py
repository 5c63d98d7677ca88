"""A window in which something goes wrong is not taken for a good one."""

from collections.abc import Callable

from hil_sim.browser import Person

WRONG = (
    ("console.error('so')", "console: so"),
    ("setTimeout(() => { throw new Error('thrown'); })", "script: thrown"),
    ("Promise.reject(new Error('nobody listens')) && 0", "nobody listens"),
    ("fetch('/api/nothing-of-the-kind') && 0", "answer 401: GET /api/nothing-of-the-kind"),
    ("fetch('https://192.0.2.1/').catch(() => 0)", "policy: connect-src"),
    ("document.body.append(Object.assign(new Image(), { src: 'https://192.0.2.1/a.png' }))", "policy: img-src"),
    ("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')", "policy: style-src"),
    ("document.body.append(Object.assign(document.createElement('script'), { text: '1' }))", "policy: script-src"),
    ("location.assign('http://localhost:65000/')", "another origin: http://localhost:65000/"),
)


def test_whatever_goes_wrong_is_noticed(person: Callable[..., Person]) -> None:
    who = person("")
    assert who.watch.settle() == []
    for script, said in WRONG:
        who.page.evaluate(f"() => {{ {script}; }}")
        for _ in range(100):
            if any(said in fault for fault in who.watch.settle()):
                break
        found = "\n".join(who.watch.faults)
        who.watch.faults.clear()
        assert said in found
    who.page.close()  # nothing more comes of the last one
    who.watch.faults.clear()
