"""Real names of plants with their families and where they grow, and invented people and places, for the generator."""

from __future__ import annotations

from dataclasses import dataclass

PLANTS = (
    ("Saxifraga oppositifolia L.", "Saxifragaceae", "AT GB NO SI"),
    ("Dryas octopetala L.", "Rosaceae", "AT GB NO SI"),
    ("Silene acaulis (L.) Jacq.", "Caryophyllaceae", "AT GB NO SI"),
    ("Salix herbacea L.", "Salicaceae", "AT NO GB"),
    ("Gentiana verna L.", "Gentianaceae", "AT SI"),
    ("Gentiana acaulis L.", "Gentianaceae", "AT SI"),
    ("Primula auricula L.", "Primulaceae", "AT SI"),
    ("Soldanella alpina L.", "Primulaceae", "AT SI"),
    ("Arnica montana L.", "Asteraceae", "AT SI"),
    ("Leontopodium nivale (Ten.) Huet ex Hand.-Mazz.", "Asteraceae", "AT SI"),
    ("Trollius europaeus L.", "Ranunculaceae", "AT GB NO SI"),
    ("Pulsatilla vernalis (L.) Mill.", "Ranunculaceae", "AT"),
    ("Ranunculus glacialis L.", "Ranunculaceae", "AT NO"),
    ("Vaccinium myrtillus L.", "Ericaceae", "AT GB NO SI"),
    ("Calluna vulgaris (L.) Hull", "Ericaceae", "AT GB NO SI"),
    ("Erica tetralix L.", "Ericaceae", "GB"),
    ("Drosera rotundifolia L.", "Droseraceae", "AT GB NO SI"),
    ("Pinguicula vulgaris L.", "Lentibulariaceae", "AT GB NO SI"),
    ("Eriophorum angustifolium Honck.", "Cyperaceae", "AT GB NO SI"),
    ("Carex bigelowii Torr. ex Schwein.", "Cyperaceae", "NO GB"),
    ("Nardus stricta L.", "Poaceae", "AT GB NO SI"),
    ("Briza media L.", "Poaceae", "AT SI GB"),
    ("Dactylorhiza maculata (L.) Soó", "Orchidaceae", "AT GB NO SI"),
    ("Cypripedium calceolus L.", "Orchidaceae", "AT NO SI"),
    ("Linnaea borealis L.", "Caprifoliaceae", "AT NO GB"),
    ("Campanula rotundifolia L.", "Campanulaceae", "AT GB NO SI"),
    ("Thymus praecox Opiz", "Lamiaceae", "AT SI"),
    ("Asplenium viride Huds.", "Aspleniaceae", "AT GB NO SI"),
    ("Lycopodium clavatum L.", "Lycopodiaceae", "AT GB NO SI"),
    ("Betula nana L.", "Betulaceae", "NO GB"),
    ("Sorbus aucuparia L.", "Rosaceae", "AT GB NO SI"),
    ("Quercus petraea (Matt.) Liebl.", "Fagaceae", "AT GB SI"),
    ("Parnassia palustris L.", "Celastraceae", "AT GB NO SI"),
)


@dataclass(frozen=True)
class Region:
    """A real region, a rectangle well inside it, and invented localities and collectors."""

    country: str
    country_code: str
    state: str
    south_west: tuple[float, float]
    north_east: tuple[float, float]
    localities: tuple[str, ...]
    collectors: tuple[str, ...]


REGIONS = (
    Region("Austria", "AT", "Tirol", (46.95, 10.9), (47.25, 11.6),
           ("Grünkogel, Nordhang oberhalb der Wurzalm", "Steinbachtal, feuchte Wiese", "Hinterer Rotkarboden"),
           ("A. Wiesinger", "F. Oberhuber")),
    Region("Norway", "NO", "Nordland", (66.3, 14.3), (66.7, 15.2),
           ("Svartåsen, kalkrik rasmark", "Storlivatnet, sørvestre bredd", "Kvitfjellskaret"),
           ("E. Haldorsen", "S. Lindqvist")),
    Region("United Kingdom", "GB", "Scotland", (56.9, -4.6), (57.4, -3.7),
           ("Coire na Feannaig, wet ledges", "Meall Odhar, summit plateau", "Glen Callan, flush by the burn"),
           ("I. Macrae", "M. Thrale & J. Okonjo")),
    Region("Slovenia", "SI", "Gorenjska", (46.25, 13.9), (46.4, 14.3),
           ("Planina Zaplaz, suh travnik", "Črni vrh nad Lipnico", "Dolina Belega potoka"),
           ("T. Košmrlj", "R. M. Pellow")),
)  # fmt: skip
