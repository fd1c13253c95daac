# SPDX-License-Identifier: LGPL-2.1-or-later
# Element-wise kernels of the signal stages. Sums and dot products are not
# here: Orc 0.4.33 has no float accumulators.

.function avm_dsp_orc_mul_f32
.dest 4 d1 float
.source 4 s1 float
.source 4 s2 float

mulf d1, s1, s2


.function avm_dsp_orc_scale_f32
.dest 4 d1 float
.source 4 s1 float
.floatparam 4 p1

mulf d1, s1, p1


.function avm_dsp_orc_s16_to_f32
.dest 4 d1 float
.source 2 s1 int16_t
.floatparam 4 p1
.temp 4 t1

convswl t1, s1
convlf t1, t1
mulf d1, t1, p1


.function avm_dsp_orc_power_f32
.dest 4 d1 float
.source 8 s1 float
.temp 8 t1
.temp 4 t2
.temp 4 t3

x2 mulf t1, s1, s1
splitql t2, t3, t1
addf d1, t2, t3
