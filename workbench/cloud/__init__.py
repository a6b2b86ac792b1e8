"""The cloud on a laptop: emulator, gateway, event source mapping, functions under the real runtime."""
