"""What the protocols and ABCD say of a dataset beside its records: the few elements that tell people what it is.

Each function takes the document as it is when its records are read, and finds what it knows by name, in whatever
namespace. What varies in a page although its content stays (`store/protocol_pages.py`) is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from collect_assets.readers.source import NOTHING_SAID, Description

MAX_TEXT = 4000
_UNKNOWN = {"unknown", "0", "n/a"}


def first_at(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of names, in whatever namespace."""
    steps = "/".join(f"*[local-name()='{name}']" for name in path.split("/"))
    found = element.xpath(steps)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


def text_at(element: etree._Element | None, *paths: str) -> str:
    """The text of the first of some paths that has any; blank where none has."""
    found = (first_at(element, path) for path in paths) if element is not None else iter(())
    return next(filter(None, (all_text(each) for each in found if each is not None)), "")


def all_text(element: etree._Element) -> str:
    """The text of an element and of those in it, on one line."""
    return " ".join("".join(map(str, element.itertext())).split())[:MAX_TEXT]


def person(name: str, mail: str) -> str:
    """A contact as one text."""
    return f"{name} <{mail}>" if name and mail else name or mail


def said_by_digir(root: etree._Element) -> Iterator[Description]:
    """Metadata of a provider: of its resource where it names one, of the provider where it names several."""
    about = first_at(root, "content/metadata")
    provider = None if about is None else first_at(about, "provider")
    if about is None or provider is None:
        return
    resources = list(about.iter("{*}resource"))
    host = first_at(provider, "host")
    publisher, host_contact = text_at(host, "name"), _digir_contact(host)
    if len(resources) != 1:
        yield Description("digir", title=text_at(provider, "name"), publisher=publisher, contact=host_contact)
        return
    [resource] = resources
    yield Description(
        said_by="digir",
        title=text_at(resource, "name"),
        publisher=publisher,
        contact=_digir_contact(resource) or host_contact,
        licence=text_at(resource, "useRestrictions"),
        citation=text_at(resource, "citation"),
        declared_count=_known(text_at(resource, "numberOfRecords")),
        last_update=_known(text_at(resource, "dateLastUpdated")),
        identifier=text_at(resource, "code"),
    )


def _digir_contact(element: etree._Element | None) -> str:
    return person(text_at(element, "contact/name"), text_at(element, "contact/emailAddress"))


def _known(text: str) -> str:
    """Blank for what providers write where they do not know."""
    return "" if text.casefold() in _UNKNOWN else text


def said_by_tapir(root: etree._Element) -> Iterator[Description]:
    """Metadata of a TAPIR resource; of the entities the one that supplies the data publishes it."""
    about = first_at(root, "metadata")
    if about is None:
        return
    entities = about.findall("{*}relatedEntity")
    entity = min(entities, key=lambda each: "data" not in text_at(each, "role").casefold(), default=None)
    card = None if entity is None else first_at(entity, "entity/hasContact/VCARD")
    yield Description(
        said_by="tapir",
        title=text_at(about, "title"),
        publisher=text_at(entity, "entity/name"),
        contact=person(text_at(card, "FN"), text_at(card, "EMAIL")),
        licence=text_at(about, "rights"),
        citation=text_at(about, "bibliographicCitation"),
        last_update=text_at(about, "modified"),
        identifier=text_at(about, "custom/identifier"),
    )


def said_by_abcd(root: etree._Element, said_by: str) -> Iterator[Description]:
    """What a document of ABCD says of its data set, in version 2 or 1.2; of several, of the one that is left."""
    data_set = next(root.iter("{*}DataSet"), None)
    if data_set is None:
        return
    about, source = first_at(data_set, "Metadata"), first_at(data_set, "OriginalSource")
    rights = None if about is None else first_at(about, "IPRStatements")
    contact = first_at(data_set, "ContentContacts/ContentContact")
    person_12 = None if source is None else first_at(data_set, "DatasetDerivations/DatasetDerivation/Supplier/Person")
    said = Description(
        title=text_at(about, "Description/Representation/Title", "Title") or text_at(source, "SourceName"),
        publisher=text_at(about, "Owners/Owner/Organisation/Name/Representation/Text")
        or text_at(source, "SourceInstitutionCode"),
        contact=person(text_at(contact, "Name") or text_at(person_12, "PersonName"), text_at(contact, "Email")),
        licence=text_at(
            rights, "Licenses/License/URI", "Licenses/License/Text", "TermsOfUseStatements/TermsOfUse/Text",
            "Copyrights/Copyright/Text", "IPRDeclarations/IPRDeclaration/Text",
        ),
        citation=text_at(rights, "Citations/Citation/Text"),
        last_update=text_at(about, "RevisionData/DateModified") or text_at(source, "SourceLastUpdatedDate"),
        identifier=text_at(data_set, "DatasetGUID"),
    )  # fmt: skip
    if said != NOTHING_SAID:
        yield Description(**{**vars(said), "said_by": said_by})


def said_by_oai(root: etree._Element) -> Iterator[Description]:
    """What a repository says of itself; of its sets it says no more than a name."""
    about = first_at(root, "Identify")
    if about is None:
        return
    name = text_at(about, "repositoryName")
    yield Description(
        said_by="oai-pmh",
        title=name,
        publisher=name,
        contact=text_at(about, "adminEmail"),
        licence=text_at(about, "description/rightsManifest/rights/rightsReference"),
        identifier=text_at(about, "description/oai-identifier/repositoryIdentifier"),
    )
