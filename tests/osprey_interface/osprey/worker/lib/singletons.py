"""What there is one of in a worker."""

from osprey.worker.lib.storage.labels import LabelsProvider


class Singleton:
    value: LabelsProvider | None = None

    def instance(self) -> LabelsProvider | None:
        return self.value


LABELS_PROVIDER = Singleton()
