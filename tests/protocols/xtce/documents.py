"""XTCE documents, put together of a few parts."""

CCSDS = [("VERSION", 3), ("TYPE", 1), ("SEC_HDR_FLG", 1), ("APID", 11), ("FLAGS", 2), ("COUNT", 14), ("LENGTH", 16)]


def integer(name: str, bits: int, inside: str = "", *, tag: str = "Integer", **attributes: str) -> str:
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    encoding = f'<IntegerDataEncoding sizeInBits="{bits}"{told}>{inside}</IntegerDataEncoding>'
    return f'<{tag}ParameterType name="{name}"><UnitSet/>{encoding}</{tag}ParameterType>'


def document(types: str, parameters: str, containers: str, *, more: str = "") -> bytes:
    """A SpaceSystem; parameters as ``NAME:TYPE``."""
    pairs = [each.split(":") for each in parameters.split()]
    listed = "".join(f'<Parameter name="{name}" parameterTypeRef="{kind}"/>' for name, kind in pairs)
    return f"""<SpaceSystem name="S" xmlns="http://www.omg.org/spec/XTCE/20180204"><TelemetryMetaData>
<ParameterTypeSet>{types}</ParameterTypeSet>
<ParameterSet>{listed}</ParameterSet>
<ContainerSet>{containers}</ContainerSet></TelemetryMetaData>{more}</SpaceSystem>""".encode()


def container(name: str, entries: str, base: str = "", criteria: str = "", *, abstract: bool = False) -> str:
    """A container; entries as names of parameters, or as XML."""
    listed = entries if "<" in entries else "".join(f'<ParameterRefEntry parameterRef="{e}"/>' for e in entries.split())
    restricted = f"<RestrictionCriteria>{criteria}</RestrictionCriteria>" if criteria else ""
    inherited = f'<BaseContainer containerRef="{base}">{restricted}</BaseContainer>' if base else ""
    told = ' abstract="true"' if abstract else ""
    return f'<SequenceContainer name="{name}"{told}><EntryList>{listed}</EntryList>{inherited}</SequenceContainer>'


def equals(name: str, value: object, **attributes: str) -> str:
    told = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<Comparison parameterRef="{name}" value="{value}"{told}/>'


HEADER_TYPES = "".join(integer(f"u{bits}", bits) for bits in (1, 2, 3, 11, 14, 16))
HEADER_PARAMETERS = " ".join(f"{name}:u{bits}" for name, bits in CCSDS)
HEADER = container("CCSDSPacket", " ".join(name for name, _ in CCSDS), abstract=True)


def space(types: str, parameters: str, containers: str) -> bytes:
    """A document of space packets."""
    return document(HEADER_TYPES + types, f"{HEADER_PARAMETERS} {parameters}", HEADER + containers)


def apid(number: int) -> str:
    return equals("APID", number)


def calibrated(kind: str) -> str:
    return f"<DefaultCalibrator>{kind}</DefaultCalibrator>"


def polynomial(*terms: tuple[int, float]) -> str:
    listed = "".join(f'<Term exponent="{power}" coefficient="{factor}"/>' for power, factor in terms)
    return f"<PolynomialCalibrator>{listed}</PolynomialCalibrator>"


def spline(order: int) -> str:
    points = "".join(f'<SplinePoint raw="{x}" calibrated="{y}"/>' for x, y in ((-1, 0), (100, 10), (300, -5)))
    return f'<SplineCalibrator order="{order}">{points}</SplineCalibrator>'


def floating(name: str, told: str) -> str:
    return f'<FloatParameterType name="{name}"><FloatDataEncoding {told}/></FloatParameterType>'


def enumeration(name: str, bits: int, *labels: str) -> str:
    listed = "".join(f'<Enumeration value="{code}" label="{label}"/>' for code, label in enumerate(labels))
    inside = f'<IntegerDataEncoding sizeInBits="{bits}"/><EnumerationList>{listed}</EnumerationList>'
    return f'<EnumeratedParameterType name="{name}">{inside}</EnumeratedParameterType>'


def text_type(name: str, size: str, encoding: str = "UTF-8") -> str:
    inside = f'<StringDataEncoding encoding="{encoding}">{size}</StringDataEncoding>'
    return f'<StringParameterType name="{name}">{inside}</StringParameterType>'


def binary(name: str, size: str, more: str = "") -> str:
    encoding = f"<BinaryDataEncoding><SizeInBits>{size}</SizeInBits>{more}</BinaryDataEncoding>"
    return f'<BinaryParameterType name="{name}">{encoding}</BinaryParameterType>'


def fixed_size(bits: int, more: str = "") -> str:
    return f"<SizeInBits><Fixed><FixedValue>{bits}</FixedValue></Fixed>{more}</SizeInBits>"


def dynamic(name: str, intercept: int = 0) -> str:
    """So many bytes as a parameter says, and some bits more."""
    return f"""<DynamicValue><ParameterInstanceRef parameterRef="{name}"/>
<LinearAdjustment slope="8" intercept="{intercept}"/></DynamicValue>"""


def array(name: str, of: str, last: str) -> str:
    """Elements from the first to the last, which is an IntegerValue."""
    first = "<StartingIndex><FixedValue>0</FixedValue></StartingIndex>"
    dimension = f"<Dimension>{first}<EndingIndex>{last}</EndingIndex></Dimension>"
    return f"""<ArrayParameterType name="{name}" arrayTypeRef="{of}">
<DimensionList>{dimension}</DimensionList></ArrayParameterType>"""


def aggregate(name: str, **members: str) -> str:
    listed = "".join(f'<Member name="{member}" typeRef="{kind}"/>' for member, kind in members.items())
    return f'<AggregateParameterType name="{name}"><MemberList>{listed}</MemberList></AggregateParameterType>'


def entry(name: str, inside: str = "", kind: str = "Parameter") -> str:
    reference = "containerRef" if kind == "Container" else "parameterRef"
    return f'<{kind}RefEntry {reference}="{name}">{inside}</{kind}RefEntry>'


def place(bits: int, origin: str = "previousEntry") -> str:
    inside = f"<FixedValue>{bits}</FixedValue>"
    return f'<LocationInContainerInBits referenceLocation="{origin}">{inside}</LocationInContainerInBits>'


def both(*criteria: str) -> str:
    return f"<ComparisonList>{''.join(criteria)}</ComparisonList>"


def if_so(criteria: str) -> str:
    return f"<IncludeCondition>{criteria}</IncludeCondition>"


POLYNOMIAL, LINE = polynomial((0, -3), (2, 0.5)), polynomial((1, 0.25), (0, -1))
