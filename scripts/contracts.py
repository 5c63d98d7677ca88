"""Import contracts of our own for import-linter. A package that does not exist yet breaks none of them."""

from abc import abstractmethod
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class _DirectImports(Contract):
    """Looks at each import alone: what an imported package imports is that package's own contract."""

    @abstractmethod
    def breaks(self, graph: ImportGraph, importer: str, imported: str) -> bool:
        """Return whether this import is one that the contract forbids."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return the check, its metadata holding ``(importer, imported, line)`` for every broken import."""
        broken: list[tuple[str, str, int | None]] = []
        for importer in sorted(graph.modules):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if self.breaks(graph, importer, imported):
                    details = graph.get_import_details(importer=importer, imported=imported)
                    broken.append((importer, imported, details[0]["line_number"] if details else None))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that breaks the contract."""
        for importer, imported, line in check.metadata["broken"]:
            output.print_error(f"{importer} must not import {imported} (line {line})")
        output.new_line()


class MayImport(_DirectImports):
    """``modules`` import, of this repository's packages, only themselves and ``may_import``."""

    modules: Any = fields.ListField(subfield=fields.ModuleField())
    may_import: Any = fields.ListField(subfield=fields.ModuleField())

    def breaks(self, graph: ImportGraph, importer: str, imported: str) -> bool:
        """Return whether one of ``modules`` reaches a package of ours that is not named."""
        ours = not graph.is_module_squashed(imported)  # packages from outside are in the graph, squashed
        return ours and _within(importer, self.modules) and not _within(imported, self.modules + self.may_import)


class ImportedOnlyBy(_DirectImports):
    """``modules``, ours or third-party, are imported only by ``importers``."""

    modules: Any = fields.ListField(subfield=fields.ModuleField())
    importers: Any = fields.ListField(subfield=fields.ModuleField())

    def breaks(self, graph: ImportGraph, importer: str, imported: str) -> bool:
        """Return whether one of ``modules`` is reached from elsewhere than ``importers``."""
        return _within(imported, self.modules) and not _within(importer, self.modules + self.importers)


def _within(name: str, packages: list[Any]) -> bool:
    return any(name == package.name or name.startswith(package.name + ".") for package in packages)
