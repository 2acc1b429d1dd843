import threading
import time

from hfdeploy_core.events import Event, Warned, take_turns


def test_what_threads_tell_comes_one_at_a_time() -> None:
    inside, most = 0, 0

    def listen(event: Event) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.002)
        inside -= 1

    tell = take_turns(listen)
    threads = [threading.Thread(target=tell, args=[Warned(str(number))]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
