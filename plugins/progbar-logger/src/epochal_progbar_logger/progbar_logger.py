from epochal import Callback


class ProgbarLogger(Callback):
    pass
