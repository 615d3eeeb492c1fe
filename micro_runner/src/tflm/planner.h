// A memory planner that writes down what another one is asked and answers.

#ifndef TFLOPT_SRC_TFLM_PLANNER_H_
#define TFLOPT_SRC_TFLM_PLANNER_H_

#include <cstddef>

#include "recorder.h"
#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/memory_planner/micro_memory_planner.h"

namespace tflopt {

class RecordingPlanner : public tflite::MicroMemoryPlanner {
 public:
  // `recorder` may be null.
  void Wrap(tflite::MicroMemoryPlanner* planner, Recorder* recorder) {
    planner_ = planner;
    recorder_ = recorder;
  }

  TfLiteStatus Init(unsigned char* scratch_buffer, int scratch_buffer_size) override;
  TfLiteStatus AddBuffer(int size, int first_time_used, int last_time_used) override;
  TfLiteStatus AddBuffer(int size, int first_time_used, int last_time_used,
                         int offline_offset) override;
  size_t GetMaximumMemorySize() override { return planner_->GetMaximumMemorySize(); }
  int GetBufferCount() override { return planner_->GetBufferCount(); }
  TfLiteStatus GetOffsetForBuffer(int buffer_index, int* offset) override;
  bool preserves_all_tensors() const override { return planner_->preserves_all_tensors(); }

 private:
  void Record(int size, int first_time_used, int last_time_used, bool offline);

  tflite::MicroMemoryPlanner* planner_ = nullptr;
  Recorder* recorder_ = nullptr;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

}  // namespace tflopt

#endif  // TFLOPT_SRC_TFLM_PLANNER_H_
