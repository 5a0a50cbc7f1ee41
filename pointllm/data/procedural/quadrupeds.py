"""Animals on four legs. They face along z."""

from __future__ import annotations

import numpy as np

from .animal_frame import Frame, build, patches, stripes
from .model import Model, generator
from .solids import ball, curve, lathe, torus, tube


@generator("dog", "animal")
def dog(m: Model) -> None:
    coat = m.color("brown", "brown", "black", "white", "beige", "gray", "orange")
    p = build(
        m,
        Frame(
            m.u(0.3, 0.5),
            0.2,
            0.12,
            50,
            0.17,
            m.u(0.06, 0.18),
            ears=m.pick(("floppy", "pointed")),
            tail=m.pick(("up", "up", "bushy")),
        ),
        coat,
        m.color("white", coat.name) if m.chance(0.3) else None,
        muzzle=m.color(coat.name, "white", "beige"),
    )
    if m.chance(0.4):
        m.part(
            "collar",
            torus(0.14, 0.022, 16, 6).turned("x", 40).at(0, p.head[1] - p.radius * 1.1, p.head[2] - p.radius * 0.9),
            m.color("red", "blue", "green", "yellow"),
        )
    if m.chance(0.3):
        m.part(
            "tongue",
            m.lump(0.035, 0.012, 0.06).at(0, p.head[1] - p.radius * 0.65, p.head[2] + p.radius * 1.1),
            m.color("pink", "red"),
        )


@generator("cat", "animal")
def cat(m: Model) -> None:
    coat = m.color("orange", "gray", "black", "white", "brown", "beige")
    p = build(
        m,
        Frame(m.u(0.26, 0.36), 0.16, 0.06, 55, 0.17, 0.0, 0.045, "pointed", "up", 0.5),
        coat,
        muzzle=m.color("white", coat.name),
    )
    if m.chance(0.4) and coat.name != "black":
        stripes(m, p, m.color("black", "brown", "white"), m.i(4, 6))
    white = m.color("white", "gray")
    m.part(
        "whisker",
        [
            tube(
                [
                    (s * 0.05, p.head[1] - 0.05, p.head[2] + p.radius),
                    (s * 0.24, p.head[1] - 0.03 + 0.03 * k, p.head[2] + p.radius),
                ],
                0.005,
                3,
            )
            for s in (-1, 1)
            for k in (-1, 0, 1)
        ],
        white,
    )


@generator("fox", "animal")
def fox(m: Model) -> None:
    coat, white = m.color("orange", "orange", "red"), m.color("white")
    p = build(
        m, Frame(0.36, 0.15, 0.1, 45, 0.15, 0.12, 0.045, "pointed", "bushy", 0.3), coat, white, m.color("black"), white
    )
    m.part("tail tip", m.lump(0.08, 0.08, 0.1).at(0, p.body[1] + p.girth * 0.4 + 0.2, -0.86), white)


@generator("wolf", "animal")
def wolf(m: Model) -> None:
    coat = m.color("gray", "gray", "black", "white")
    build(m, Frame(0.48, 0.19, 0.14, 35, 0.16, 0.15, 0.055, "pointed", "bushy", 0.42), coat, m.color("white", "gray"))


@generator("cow", "animal")
def cow(m: Model) -> None:
    coat = m.color("white", "white", "brown", "black", "beige")
    p = build(
        m,
        Frame(0.36, 0.26, 0.12, 25, 0.16, 0.1, 0.07, "side", "tuft", 0.75),
        coat,
        hoof=m.color("black", "brown"),
        muzzle=m.color("pink", "beige"),
    )
    if coat.name in ("white", "beige", "brown"):
        patches(
            m,
            p,
            m.color("black", "brown") if coat.name != "brown" else m.color("white"),
            m.i(5, 9),
            (0.08, 0.15),
            "patch",
        )
    horn = m.color("beige", "white", "gray")
    m.part(
        "horn",
        [
            tube(
                curve(
                    [
                        (s * 0.08, p.head[1] + p.radius * 0.8, p.head[2]),
                        (s * 0.18, p.head[1] + p.radius * 1.1, p.head[2]),
                        (s * 0.2, p.head[1] + p.radius * 1.6, p.head[2]),
                    ],
                    5,
                ),
                np.linspace(0.03, 0.008, 5),
                6,
            )
            for s in (-1, 1)
        ],
        horn,
    )
    m.part("udder", m.lump(0.1, 0.08, 0.1).at(0, p.body[1] - p.girth * 0.95, -0.2), m.color("pink"))


@generator("horse", "animal")
def horse(m: Model) -> None:
    coat, hair = (
        m.color("brown", "brown", "black", "white", "gray", "beige"),
        m.color("black", "brown", "white", "beige", "yellow"),
    )
    p = build(m, Frame(0.55, 0.2, 0.36, 58, 0.115, 0.2, 0.05, "pointed", "none", 0.55), coat, hoof=m.color("black"))
    crest = [
        np.array([0, p.body[1] + p.girth * 0.9, 0.32]) * (1 - t) + (p.head + (0, p.radius * 0.9, -p.radius * 0.6)) * t
        for t in np.linspace(0, 1, 6)
    ]
    m.part("mane", tube(crest, [0.03, 0.06, 0.07, 0.07, 0.06, 0.03], 6), hair)
    root = np.array([0, p.body[1] + p.girth * 0.5, -0.5])
    m.part(
        "tail",
        tube(
            curve([root, root + (0, -0.05, -0.1), root + (0, -0.45, -0.16)], 7),
            [0.03, 0.05, 0.06, 0.07, 0.06, 0.05, 0.01],
            7,
        ),
        hair,
    )
    if m.chance(0.35):
        m.part(
            "saddle",
            m.lump(p.girth * 0.75, 0.06, 0.18).at(0, p.body[1] + p.girth * 0.95, 0),
            m.color("brown", "black", "red"),
        )


@generator("zebra", "animal")
def zebra(m: Model) -> None:
    p = build(
        m,
        Frame(0.5, 0.2, 0.3, 52, 0.12, 0.17, 0.05, "pointed", "tuft", 0.55),
        m.color("white"),
        hoof=m.color("black"),
        muzzle=m.color("black", "gray"),
    )
    stripes(m, p, m.color("black"), m.i(6, 9))
    crest = [
        np.array([0, p.body[1] + p.girth * 0.9, 0.32]) * (1 - t) + (p.head + (0, p.radius * 0.9, -p.radius * 0.6)) * t
        for t in np.linspace(0, 1, 6)
    ]
    m.part("mane", tube(crest, 0.045, 6), m.color("black"))


@generator("donkey", "animal")
def donkey(m: Model) -> None:
    build(
        m,
        Frame(0.44, 0.2, 0.22, 50, 0.125, 0.18, 0.05, "long", "tuft", 0.6),
        m.color("gray", "gray", "brown"),
        m.color("white", "beige"),
        m.color("black"),
        m.color("white", "beige"),
    )


@generator("deer", "animal")
def deer(m: Model) -> None:
    coat = m.color("brown", "brown", "orange", "beige")
    p = build(
        m,
        Frame(0.58, 0.17, 0.32, 62, 0.1, 0.13, 0.035, "side", "stub", 0.5),
        coat,
        m.color("white", "beige"),
        m.color("black"),
    )
    horn = m.color("beige", "brown")
    if m.chance(0.75):
        for s in (-1, 1):
            a = np.array([s * 0.04, p.head[1] + p.radius * 0.8, p.head[2] - 0.02])
            b, c = a + (s * 0.14, 0.2, -0.05), a + (s * 0.16, 0.42, 0.0)
            m.part("antler", tube(curve([a, b, c], 6), np.linspace(0.02, 0.008, 6), 5), horn)
            m.part(
                None,
                [
                    tube([b, b + (s * 0.03, 0.12, 0.1)], [0.014, 0.005], 5),
                    tube([(b + c) / 2, (b + c) / 2 + (s * 0.1, 0.08, 0.02)], [0.012, 0.005], 5),
                ],
                horn,
            )
    if m.chance(0.4):
        patches(m, p, m.color("white"), m.i(8, 14), (0.02, 0.03), "spot")


@generator("giraffe", "animal")
def giraffe(m: Model) -> None:
    coat, spot = m.color("yellow", "orange", "beige"), m.color("brown")
    p = build(
        m,
        Frame(m.u(0.75, 0.95), 0.2, m.u(0.85, 1.2), 72, 0.105, 0.13, 0.05, "side", "tuft", 0.5),
        coat,
        hoof=m.color("black", "brown"),
    )
    patches(m, p, spot, m.i(10, 18), (0.045, 0.08), "spot")
    base = np.array([0, p.body[1] + p.girth * 0.5, 0.42])
    for k in range(m.i(5, 8)):
        t, s = (k + 0.5) / 8, 1 if k % 2 else -1
        at = base * (1 - t) + p.head * t
        m.part("spot", ball(0.045, 0.06, 0.045, 8).at(s * 0.085 * (1.1 - 0.4 * t), at[1], at[2]), spot)
    m.part(
        "horn",
        [
            tube(
                [
                    (s * 0.04, p.head[1] + p.radius * 0.7, p.head[2]),
                    (s * 0.05, p.head[1] + p.radius * 1.7, p.head[2] - 0.02),
                ],
                [0.014, 0.022],
                6,
            )
            for s in (-1, 1)
        ],
        m.color("brown", "black"),
    )
    m.trait("with a very long neck")


@generator("elephant", "animal")
def elephant(m: Model) -> None:
    coat = m.color("gray", "gray", "gray", "blue", "pink")
    p = build(m, Frame(0.34, 0.36, 0.06, 25, 0.24, 0.0, 0.12, "sail", "thin", 0.5), coat)
    h = p.head + (0, -p.radius * 0.2, p.radius * 0.9)
    up = m.chance(0.3)
    path = curve(
        [h, h + (0, -0.2, 0.18), h + (0, -0.45, 0.22), h + (0, -0.55, 0.34)]
        if not up
        else [h, h + (0, -0.15, 0.22), h + (0, 0.05, 0.42), h + (0, 0.35, 0.45)],
        9,
    )
    m.part("trunk", tube(path, np.linspace(0.11, 0.045, 9), max(6, m.n // 2)), coat)
    m.parts.pop("snout", None)
    m.parts.pop("nose", None)
    if m.chance(0.8):
        m.part(
            "tusk",
            [
                tube(
                    curve(
                        [
                            (s * 0.13, h[1] - 0.08, h[2] - 0.06),
                            (s * 0.15, h[1] - 0.2, h[2] + 0.12),
                            (s * 0.14, h[1] - 0.17, h[2] + 0.28),
                        ],
                        6,
                    ),
                    np.linspace(0.034, 0.01, 6),
                    6,
                )
                for s in (-1, 1)
            ],
            m.color("white", "beige"),
        )
    m.trait("with a trunk")


@generator("pig", "animal")
def pig(m: Model) -> None:
    coat = m.color("pink", "pink", "pink", "beige", "brown", "black")
    p = build(
        m, Frame(0.2, 0.3, 0.02, 10, 0.21, 0.04, 0.065, "pointed", "curl", 0.5), coat, hoof=m.color("black", "brown")
    )
    m.part(
        "snout disc",
        m.round(p.radius * 0.5, 0.05).turned("x", 90).at(0, p.head[1] - p.radius * 0.22, p.head[2] + p.radius * 0.98),
        m.color(coat.name, "pink"),
    )
    if m.chance(0.25):
        patches(m, p, m.color("black", "brown"), m.i(3, 6), (0.06, 0.1), "patch")


@generator("sheep", "animal")
def sheep(m: Model) -> None:
    wool, skin = m.color("white", "white", "beige", "black"), m.color("black", "beige", "white", "gray")
    p = build(m, Frame(0.3, 0.26, 0.08, 40, 0.13, 0.09, 0.045, "side", "stub", 0.6), skin)
    fleece = [m.lump(p.girth * 0.95, p.girth * 0.95, 0.5).at(*p.body)]
    for a in np.linspace(0, 2 * np.pi, 8, endpoint=False):
        for z in (-0.36, -0.12, 0.12, 0.36):
            fleece.append(
                m.lump(0.13).at(
                    p.girth * 0.9 * np.sin(a), p.body[1] + p.girth * 0.85 * np.cos(a), z + 0.06 * np.sin(3 * a)
                )
            )
    m.part("fleece", fleece, wool, 1)
    m.part(
        "woolly crown",
        m.lump(p.radius * 0.8, p.radius * 0.5, p.radius * 0.7).at(0, p.head[1] + p.radius * 0.9, p.head[2] - 0.03),
        wool,
    )
    m.parts.pop("body", None)
    m.trait("woolly")


@generator("rabbit", "animal")
def rabbit(m: Model) -> None:
    coat = m.color("white", "gray", "brown", "beige", "black", "pink")
    p = build(m, Frame(0.18, 0.24, 0.04, 60, 0.2, 0.0, 0.06, "long", "none", 0.45), coat)
    m.part("tail", m.lump(0.09).at(0, p.body[1] + 0.02, -0.56), m.color("white", coat.name))
    m.part(
        "tooth",
        m.block(0.06, 0.06, 0.02).at(0, p.head[1] - p.radius * 0.65, p.head[2] + p.radius * 1.05),
        m.color("white"),
    )
    if m.chance(0.3):
        m.part(
            "carrot",
            lathe([(0.001, 0), (0.05, 0.22), (0.03, 0.24)], 8).turned("x", 100).at(0.0, 0.05, 0.8),
            m.color("orange"),
        )


@generator("mouse", "animal")
def mouse(m: Model) -> None:
    coat = m.color("gray", "gray", "white", "brown", "black")
    p = build(m, Frame(0.1, 0.27, 0.0, 10, 0.2, 0.12, 0.04, "round", "none", 0.2), coat)
    path = curve([(0, p.body[1], -0.5), (0.05, 0.12, -0.8), (-0.1, 0.06, -1.1), (0.05, 0.05, -1.35)], 12)
    m.part("tail", tube(path, np.linspace(0.04, 0.012, 12), 6), m.color("pink", coat.name))
    m.trait("with a long tail")


@generator("bear", "animal")
def bear(m: Model) -> None:
    coat = m.color("brown", "brown", "black", "white")
    build(
        m, Frame(0.3, 0.31, 0.08, 35, 0.21, 0.09, 0.11, "round", "stub", 0.5), coat, muzzle=m.color("beige", coat.name)
    )


@generator("panda", "animal")
def panda(m: Model) -> None:
    white, black = m.color("white"), m.color("black")
    p = build(m, Frame(0.26, 0.31, 0.06, 40, 0.23, 0.05, 0.11, "none", "stub", 0.45), white)
    m.part(
        "ear",
        [
            m.lump(0.09, 0.09, 0.05).at(s * p.radius * 0.75, p.head[1] + p.radius * 0.85, p.head[2] - 0.03)
            for s in (-1, 1)
        ],
        black,
    )
    m.part(
        "eye patch",
        [
            m.lump(0.07, 0.09, 0.03).at(s * p.radius * 0.45, p.head[1] + p.radius * 0.25, p.head[2] + p.radius * 0.95)
            for s in (-1, 1)
        ],
        black,
    )
    for s in (-1, 1):
        for z in (-0.35, 0.35):
            m.part(None, m.lump(0.14, 0.2, 0.14).at(s * p.girth * 0.55, 0.18, z), black)
    m.part("black band", torus(p.girth * 0.98, 0.07, 18, 6).turned("x", 90).at(0, p.body[1], 0.3), black)


@generator("lion", "animal")
def lion(m: Model) -> None:
    coat, hair = m.color("orange", "yellow", "beige"), m.color("brown", "brown", "orange", "red")
    p = build(
        m,
        Frame(0.42, 0.22, 0.1, 45, 0.17, 0.08, 0.065, "round", "tuft", 0.55),
        coat,
        muzzle=m.color("white", "beige", coat.name),
    )
    if m.chance(0.8):
        count = m.i(9, 13)
        m.part(
            "mane",
            [
                m.rough(m.lump(p.radius * 0.55), 0.02).at(
                    p.radius * 1.05 * np.cos(a), p.head[1] + p.radius * 1.05 * np.sin(a), p.head[2] - p.radius * 0.5
                )
                for a in 2 * np.pi * np.arange(count) / count
            ]
            + [m.lump(p.radius * 1.15, p.radius * 1.15, p.radius * 0.5).at(0, p.head[1], p.head[2] - p.radius * 0.75)],
            hair,
            1,
        )


@generator("tiger", "animal")
def tiger(m: Model) -> None:
    p = build(
        m,
        Frame(0.4, 0.21, 0.1, 40, 0.17, 0.06, 0.065, "round", "up", 0.55),
        m.color("orange", "orange", "white"),
        m.color("white"),
        muzzle=m.color("white"),
    )
    stripes(m, p, m.color("black"), m.i(6, 8))
