/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptors behind avm-descriptor.h, one object each.
 */

#ifndef AVM_DESCRIPTOR_PRIVATE_H
#define AVM_DESCRIPTOR_PRIVATE_H

#include "vision/avm-descriptor.h"

#define AVM_PHOG_SIDE 128
#define AVM_EHD_SIDE 128
#define AVM_GABOR_SIDE 64
#define AVM_ACC_SIDE 128
#define AVM_JCD_SIDE 160

typedef struct _AvmPhog AvmPhog;
typedef struct _AvmEhd AvmEhd;
typedef struct _AvmGabor AvmGabor;
typedef struct _AvmAcc AvmAcc;
typedef struct _AvmJcd AvmJcd;

AvmPhog *avm_phog_new (void);
void avm_phog_free (AvmPhog *self);
void avm_phog_describe (AvmPhog *self, const uint8_t *luma, float *values);

AvmEhd *avm_ehd_new (void);
void avm_ehd_free (AvmEhd *self);
void avm_ehd_describe (AvmEhd *self, const uint8_t *luma, float *values);

AvmGabor *avm_gabor_new (void);
void avm_gabor_free (AvmGabor *self);
void avm_gabor_describe (AvmGabor *self, const uint8_t *luma, float *values);

AvmAcc *avm_acc_new (void);
void avm_acc_free (AvmAcc *self);
void avm_acc_describe (AvmAcc *self, const uint8_t *red, const uint8_t *green,
    const uint8_t *blue, float *values);

AvmJcd *avm_jcd_new (void);
void avm_jcd_free (AvmJcd *self);
void avm_jcd_describe (AvmJcd *self, const uint8_t *luma, const uint8_t *red,
    const uint8_t *green, const uint8_t *blue, float *values);

#endif /* AVM_DESCRIPTOR_PRIVATE_H */
