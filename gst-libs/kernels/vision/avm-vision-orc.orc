# SPDX-License-Identifier: LGPL-2.1-or-later
# Element-wise kernels of the vision stages.

.function avm_vision_orc_u8_to_f32
.dest 4 d1 float
.source 1 s1 uint8_t
.temp 2 t1
.temp 4 t2

convubw t1, s1
convuwl t2, t1
convlf d1, t2


.function avm_vision_orc_absdiff_u8
.dest 1 d1 uint8_t
.source 1 s1 uint8_t
.source 1 s2 uint8_t
.temp 1 t1
.temp 1 t2

maxub t1, s1, s2
minub t2, s1, s2
subb d1, t1, t2
