# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the faces are in the real pictures, and how to cut heads out of them.

Used by tests/accuracy/faces and tests/accuracy/pnp.
"""
import os

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SHARED = os.path.join(os.environ.get(
    'AVM_SHARED', os.path.join(SOURCE, '..', 'shared')), 'data')

# Centres of the faces, px, by eye. The child in profile at the right edge of
# the fourth picture counts neither as found nor as false.
PORTRAITS = {
    'faces/astronaut.png': [(224, 129)],
    'faces/biden.jpg': [(573, 409)],
    'faces/obama.jpg': [(492, 271)],
    'faces/obama2.jpg': [(315, 446)],
    'faces/obama_and_biden.jpg': [(864, 523), (1220, 493)]}
IGNORED = {'faces/obama_and_biden.jpg': [(1686, 1099)]}
SOLVAY = [(213, 345), (311, 372), (376, 402), (481, 398), (600, 405),
          (696, 382), (803, 386), (906, 380), (994, 380), (1065, 345),
          (1128, 378), (77, 466), (190, 484), (322, 468), (466, 470),
          (615, 460), (727, 462), (850, 472), (988, 475), (1118, 483),
          (118, 510), (252, 516), (383, 510), (527, 516), (696, 508),
          (813, 508), (916, 508), (1064, 517), (1168, 526)]
PICTURES = dict(PORTRAITS, **{'solvay/solvay-1927.png': SOLVAY})
# width of a head as a part of its picture, for the clips
HEAD_SIZE = {'faces/astronaut.png': 95, 'faces/biden.jpg': 290,
             'faces/obama.jpg': 260, 'faces/obama2.jpg': 300,
             'faces/obama_and_biden.jpg': 185, 'solvay/solvay-1927.png': 40}


def cut_heads(folder, count):
    """Writes pictures of heads, three wide and four high, as avmtestsrc takes
    them, and returns how many: none where pictures or OpenCV are missing."""
    try:
        import cv2
    except ImportError:
        return 0
    done = 0
    # the group first: nobody is in it twice
    for name, centres in reversed(PICTURES.items()):
        image = cv2.imread(os.path.join(SHARED, name))
        if image is None:
            continue
        half = 0.8 * HEAD_SIZE[name]
        for x, y in centres:
            x0, y0 = int(x - half), int(y - 4 / 3 * half - 0.15 * half)
            x1, y1 = int(x + half), int(y + 4 / 3 * half - 0.15 * half)
            cut = image[max(y0, 0):y1, max(x0, 0):x1]
            if done < count and cut.size:
                cv2.imwrite(os.path.join(folder, 'head-%02d.png' % done), cut)
                done += 1
    return done
