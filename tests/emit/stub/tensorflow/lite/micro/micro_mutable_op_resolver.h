// A stand-in for TFLM's resolver: the names of its methods and their default arguments, so that
// emitted code is compiled and counted without TFLM. Names as of TFLM 90b983c.
#ifndef TFLOPT_TESTS_STUB_RESOLVER_H_
#define TFLOPT_TESTS_STUB_RESOLVER_H_

#include <cstring>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
struct TFLMRegistration {};

namespace tflite {

class MicroOpResolver {};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddCustom(const char* name, const TFLMRegistration* registration) {
    return registration == nullptr ? kTfLiteError : Add(name);
  }
  TfLiteStatus AddAbs() { return Add("AddAbs"); }
  TfLiteStatus AddAdd() { return Add("AddAdd"); }
  TfLiteStatus AddAddN() { return Add("AddAddN"); }
  TfLiteStatus AddArgMax() { return Add("AddArgMax"); }
  TfLiteStatus AddArgMin() { return Add("AddArgMin"); }
  TfLiteStatus AddAssignVariable() { return Add("AddAssignVariable"); }
  TfLiteStatus AddAveragePool2D() { return Add("AddAveragePool2D"); }
  TfLiteStatus AddBatchMatMul() { return Add("AddBatchMatMul"); }
  TfLiteStatus AddBatchToSpaceNd() { return Add("AddBatchToSpaceNd"); }
  TfLiteStatus AddBroadcastArgs() { return Add("AddBroadcastArgs"); }
  TfLiteStatus AddBroadcastTo() { return Add("AddBroadcastTo"); }
  TfLiteStatus AddCallOnce() { return Add("AddCallOnce"); }
  TfLiteStatus AddCast() { return Add("AddCast"); }
  TfLiteStatus AddCeil() { return Add("AddCeil"); }
  TfLiteStatus AddCircularBuffer() { return Add("AddCircularBuffer"); }
  TfLiteStatus AddConcatenation() { return Add("AddConcatenation"); }
  TfLiteStatus AddConv2D() { return Add("AddConv2D"); }
  TfLiteStatus AddCos() { return Add("AddCos"); }
  TfLiteStatus AddCumSum() { return Add("AddCumSum"); }
  TfLiteStatus AddDecode() { return Add("AddDecode"); }
  TfLiteStatus AddDelay() { return Add("AddDelay"); }
  TfLiteStatus AddDepthToSpace() { return Add("AddDepthToSpace"); }
  TfLiteStatus AddDepthwiseConv2D() { return Add("AddDepthwiseConv2D"); }
  TfLiteStatus AddDequantize() { return Add("AddDequantize"); }
  TfLiteStatus AddDetectionPostprocess() { return Add("AddDetectionPostprocess"); }
  TfLiteStatus AddDiv() { return Add("AddDiv"); }
  TfLiteStatus AddDynamicUpdateSlice() { return Add("AddDynamicUpdateSlice"); }
  TfLiteStatus AddElu() { return Add("AddElu"); }
  TfLiteStatus AddEmbeddingLookup() { return Add("AddEmbeddingLookup"); }
  TfLiteStatus AddEnergy() { return Add("AddEnergy"); }
  TfLiteStatus AddEqual() { return Add("AddEqual"); }
  TfLiteStatus AddEthosU() { return Add("AddEthosU"); }
  TfLiteStatus AddExp() { return Add("AddExp"); }
  TfLiteStatus AddExpandDims() { return Add("AddExpandDims"); }
  TfLiteStatus AddFftAutoScale() { return Add("AddFftAutoScale"); }
  TfLiteStatus AddFill() { return Add("AddFill"); }
  TfLiteStatus AddFilterBank() { return Add("AddFilterBank"); }
  TfLiteStatus AddFilterBankLog() { return Add("AddFilterBankLog"); }
  TfLiteStatus AddFilterBankSpectralSubtraction() { return Add("AddFilterBankSpectralSubtraction"); }
  TfLiteStatus AddFilterBankSquareRoot() { return Add("AddFilterBankSquareRoot"); }
  TfLiteStatus AddFloor() { return Add("AddFloor"); }
  TfLiteStatus AddFloorDiv() { return Add("AddFloorDiv"); }
  TfLiteStatus AddFloorMod() { return Add("AddFloorMod"); }
  TfLiteStatus AddFramer() { return Add("AddFramer"); }
  TfLiteStatus AddFullyConnected() { return Add("AddFullyConnected"); }
  TfLiteStatus AddGather() { return Add("AddGather"); }
  TfLiteStatus AddGatherNd() { return Add("AddGatherNd"); }
  TfLiteStatus AddGreater() { return Add("AddGreater"); }
  TfLiteStatus AddGreaterEqual() { return Add("AddGreaterEqual"); }
  TfLiteStatus AddHardSwish() { return Add("AddHardSwish"); }
  TfLiteStatus AddIf() { return Add("AddIf"); }
  TfLiteStatus AddIrfft() { return Add("AddIrfft"); }
  TfLiteStatus AddL2Normalization() { return Add("AddL2Normalization"); }
  TfLiteStatus AddL2Pool2D() { return Add("AddL2Pool2D"); }
  TfLiteStatus AddLeakyRelu() { return Add("AddLeakyRelu"); }
  TfLiteStatus AddLess() { return Add("AddLess"); }
  TfLiteStatus AddLessEqual() { return Add("AddLessEqual"); }
  TfLiteStatus AddLog() { return Add("AddLog"); }
  TfLiteStatus AddLogSoftmax() { return Add("AddLogSoftmax"); }
  TfLiteStatus AddLogicalAnd() { return Add("AddLogicalAnd"); }
  TfLiteStatus AddLogicalNot() { return Add("AddLogicalNot"); }
  TfLiteStatus AddLogicalOr() { return Add("AddLogicalOr"); }
  TfLiteStatus AddLogistic() { return Add("AddLogistic"); }
  TfLiteStatus AddMaxPool2D() { return Add("AddMaxPool2D"); }
  TfLiteStatus AddMaximum() { return Add("AddMaximum"); }
  TfLiteStatus AddMean() { return Add("AddMean"); }
  TfLiteStatus AddMinimum() { return Add("AddMinimum"); }
  TfLiteStatus AddMirrorPad() { return Add("AddMirrorPad"); }
  TfLiteStatus AddMul() { return Add("AddMul"); }
  TfLiteStatus AddNeg() { return Add("AddNeg"); }
  TfLiteStatus AddNotEqual() { return Add("AddNotEqual"); }
  TfLiteStatus AddOverlapAdd() { return Add("AddOverlapAdd"); }
  TfLiteStatus AddPCAN() { return Add("AddPCAN"); }
  TfLiteStatus AddPack() { return Add("AddPack"); }
  TfLiteStatus AddPad() { return Add("AddPad"); }
  TfLiteStatus AddPadV2() { return Add("AddPadV2"); }
  TfLiteStatus AddPrelu() { return Add("AddPrelu"); }
  TfLiteStatus AddQuantize() { return Add("AddQuantize"); }
  TfLiteStatus AddReadVariable() { return Add("AddReadVariable"); }
  TfLiteStatus AddReduceAll() { return Add("AddReduceAll"); }
  TfLiteStatus AddReduceMax() { return Add("AddReduceMax"); }
  TfLiteStatus AddReduceMin() { return Add("AddReduceMin"); }
  TfLiteStatus AddRelu() { return Add("AddRelu"); }
  TfLiteStatus AddRelu6() { return Add("AddRelu6"); }
  TfLiteStatus AddReshape() { return Add("AddReshape"); }
  TfLiteStatus AddResizeBilinear() { return Add("AddResizeBilinear"); }
  TfLiteStatus AddResizeNearestNeighbor() { return Add("AddResizeNearestNeighbor"); }
  TfLiteStatus AddReverseV2() { return Add("AddReverseV2"); }
  TfLiteStatus AddRfft() { return Add("AddRfft"); }
  TfLiteStatus AddRound() { return Add("AddRound"); }
  TfLiteStatus AddRsqrt() { return Add("AddRsqrt"); }
  TfLiteStatus AddSelectV2() { return Add("AddSelectV2"); }
  TfLiteStatus AddShape() { return Add("AddShape"); }
  TfLiteStatus AddSin() { return Add("AddSin"); }
  TfLiteStatus AddSlice() { return Add("AddSlice"); }
  TfLiteStatus AddSoftmax() { return Add("AddSoftmax"); }
  TfLiteStatus AddSpaceToBatchNd() { return Add("AddSpaceToBatchNd"); }
  TfLiteStatus AddSpaceToDepth() { return Add("AddSpaceToDepth"); }
  TfLiteStatus AddSplit() { return Add("AddSplit"); }
  TfLiteStatus AddSplitV() { return Add("AddSplitV"); }
  TfLiteStatus AddSqrt() { return Add("AddSqrt"); }
  TfLiteStatus AddSquare() { return Add("AddSquare"); }
  TfLiteStatus AddSquaredDifference() { return Add("AddSquaredDifference"); }
  TfLiteStatus AddSqueeze() { return Add("AddSqueeze"); }
  TfLiteStatus AddStacker() { return Add("AddStacker"); }
  TfLiteStatus AddStridedSlice() { return Add("AddStridedSlice"); }
  TfLiteStatus AddSub() { return Add("AddSub"); }
  TfLiteStatus AddSum() { return Add("AddSum"); }
  TfLiteStatus AddSvdf() { return Add("AddSvdf"); }
  TfLiteStatus AddTanh() { return Add("AddTanh"); }
  TfLiteStatus AddTranspose() { return Add("AddTranspose"); }
  TfLiteStatus AddTransposeConv() { return Add("AddTransposeConv"); }
  TfLiteStatus AddUnidirectionalSequenceLSTM() { return Add("AddUnidirectionalSequenceLSTM"); }
  TfLiteStatus AddUnpack() { return Add("AddUnpack"); }
  TfLiteStatus AddVarHandle() { return Add("AddVarHandle"); }
  TfLiteStatus AddWhile() { return Add("AddWhile"); }
  TfLiteStatus AddWindow() { return Add("AddWindow"); }
  TfLiteStatus AddZerosLike() { return Add("AddZerosLike"); }

  unsigned int GetRegistrationLength() const { return length_; }
  const char* name(unsigned int index) const { return names_[index]; }

 private:
  TfLiteStatus Add(const char* name) {
    if (length_ >= tOpCount) return kTfLiteError;
    for (unsigned int i = 0; i < length_; ++i) {
      if (std::strcmp(names_[i], name) == 0) return kTfLiteError;
    }
    names_[length_++] = name;
    return kTfLiteOk;
  }

  const char* names_[tOpCount] = {};
  unsigned int length_ = 0;
};

}  // namespace tflite

#endif  // TFLOPT_TESTS_STUB_RESOLVER_H_
