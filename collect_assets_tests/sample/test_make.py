"""The sample can be made again, and comes out as it is committed."""

import socket

import pytest

from collect_assets.sample.catalogue import FOLDER, HOST, PORT
from collect_assets.sample.make import files, make, make_registers, make_served


def committed(part):
    return {name: content for name, content in files(FOLDER).items() if name.startswith(part)}


def test_the_served_files_come_out_byte_for_byte_as_committed(tmp_path):
    make_served(tmp_path)
    assert files(tmp_path) == committed("served/")


def test_the_registers_come_out_byte_for_byte_as_committed(tmp_path):
    make_registers(tmp_path)
    made = files(tmp_path)
    assert made
    assert made == {name: content for name, content in committed("collections/").items() if name in made}


def test_the_whole_sample_with_its_earlier_days_comes_out_as_committed(tmp_path):
    with socket.socket() as sock:
        if sock.connect_ex((HOST, PORT)) == 0:
            pytest.skip(f"{HOST}:{PORT} is in use, probably by the sample's own provider")
    make(tmp_path)
    assert files(tmp_path) == files(FOLDER)


def test_the_whole_sample_is_small():
    assert sum(map(len, files(FOLDER).values())) < 400_000
